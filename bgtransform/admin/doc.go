// Package admin is a page, and a JSON API beneath it, on which operators watch and
// steer transforms: an [http.Handler] to mount anywhere in the app.
//
//	page := admin.New(sched)
//	defer page.Close()
//	mux.Handle("/admin/", http.StripPrefix("/admin", page))
//
// It needs the standard library alone: no build step, no request to anywhere else, no
// script that reading or acting would depend on. A script keeps the page up to date.
//
// # Who may
//
// Without [Authorize] only callers on this machine may, and only directly: the address
// of the connection is a loopback address, the Host is one too (else a web page could
// reach the handler by a name of its own that it lets point to 127.0.0.1), and no header
// says that a proxy stands in between, whose users would all look local; nor does
// HTTP/1.0, which few but proxies speak. Anything else is refused, with the reason. A
// proxy on this machine that asks for a loopback address and says nothing of itself cannot
// be told from a person: behind one, always give an authorizer.
//
// With [Authorize] the app decides, by what it knows of the request; the name it returns
// is who the log of actions says it was.
//
// Actions are POST only, refused when they come from another site
// ([http.CrossOriginProtection]), and, as forms, without the token that the page itself
// has handed out; as JSON they need a content type that no other site may send without
// being allowed to. Each is logged, and kept in the transform's log of actions.
// [ReadOnly] has none.
//
// Keys of rows and messages of errors are shown in the quarantine, because operators
// have to find the rows. Values of rows are shown nowhere, unless the transform's own
// errors hold them.
//
// # What it costs
//
// What viewers see is read once for all of them: at most every two seconds, by one loop
// that begins with the first page that keeps itself up to date and ends with the last. A
// page in a tab that nobody sees keeps nothing up to date. Without viewers it costs
// nothing.
//
// # The JSON API
//
// Paths are relative to where the handler is mounted. Fields may be added to answers;
// what is there keeps its meaning within a version. Times are RFC 3339.
//
//	GET  v1/transforms                  all transforms, and the pool
//	GET  v1/transforms/{name}           one, with quarantine, dual reads, gate and log
//	GET  v1/events                      a stream that says when the first has changed
//	GET  v1/transforms/{name}/events    … when the second has
//	POST v1/transforms/{name}/{action}  do something
//
// The first two have an ETag and answer 304 to an If-None-Match that still holds. The
// streams are server-sent events: each has the ETag as its id and as its data, and the
// first one comes at once. Where nothing changes, an event of the type "same" says so every
// 15 seconds. A stream ends when what it tells of cannot be read; ask for it again.
//
// All transforms:
//
//	{"made": "…",          // when this was first seen to be so
//	 "error": "…",         // the database cannot be read; the rest is what this instance knows
//	 "transforms": [{
//	   "status": {…},      // bgtransform.Status
//	   "why": {…},         // Status.Why: the one reason to show; absent if there is none
//	   "phase": {…},       // bgtransform.PhaseStatus of this instance; absent without a move
//	   "allowed": ["pause", …]}],
//	 "pool": [{…}]}        // bgtransform.PoolMember
//
// One transform has the fields of an element of transforms, made and error, and
//
//	{"rates": [[ms, rows_per_second], …],  // from when on, in Unix milliseconds; -1: nobody watched
//	 "quarantine": [{…}],  // bgtransform.QuarantinedRow, the newest 50
//	 "mismatches": [{…}],  // bgtransform.MismatchedRow of the newest verification, the first 50
//	 "reads": {…},         // bgtransform.Reads; absent if it cannot be read
//	 "gate": {…},          // with Gate: {"open": true} or {"open": false, "missing": […]}, gate.Missing, or {"error": "…"}
//	 "actions": [{…}]}     // bgtransform.Action, the newest 50
//
// Actions are pause, resume, retry, accept, verify, stop-verify, tune, untune, run-now,
// cancel, restart and revert. The body is a JSON object, which may be empty:
//
//	{"why": "…",                          // for the log
//	 "confirm": "track-length-ms",        // the name again, for run-now, cancel, restart and revert
//	 "settings": {"DUTY": "20%", …},      // of tune; of untune: {"DUTY": ""}, or all if there are none
//	 "sample": 0.1, "repair": false,      // of verify
//	 "for": "2h"}                         // of run-now
//
// The answer is 202 and {"asked": "pause"}: instances heed it within seconds. Errors are
// {"error": "…"} with 400 for a body that cannot be read, 403 for who may not, 404 for an
// unknown transform, action or address, 405 for another method, 409 for what its state does not allow, 413 for a body of
// more than 16 KiB, 415 for one that is not said to be JSON, 422 for values that are not
// valid, 503 where the database cannot be written, or when 200 streams are open.
//
// # Run now
//
// "run-now" opens the window for some hours, from now on, in addition to when it is open
// anyway: it is a change of the setting WINDOW, which joins this one time to the window.
// So it ends by itself, also when whoever did it has gone to bed.
package admin
