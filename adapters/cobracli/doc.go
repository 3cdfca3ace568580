// Package cobracli has the commands with which operators watch and steer transforms, for
// an app to mount in its own binary:
//
//	root.AddCommand(cobracli.New(open))
//	os.Exit(cobracli.ExitCode(root.Execute()))
//
// gives it "myapp transforms status", "myapp transforms pause NAME" and so on. They work
// on the database of an app that runs elsewhere, which heeds them within seconds. open
// returns a [App]: the database, and a scheduler with the app's transforms registered as
// in its server, and not running. Without a scheduler everything works but plan and finish.
//
// # What open needs
//
// The scheduler is made as the server's is, by the same function at best, because the
// commands do in their own process what the server does:
//
//   - plan and finish run the code of the transforms, and the gate asks their definitions
//     whether a row is pending.
//   - finish waits for the lease until its holder has handed it over. With another
//     Config.Locker than the server's it would not: the fence in the database keeps the
//     data right then, at the cost of the batch that the holder has under way.
//   - finish waits for the pool, and announces itself there; the gate looks there for who
//     reads the old column. Config.Fleet, App and FleetRules say where that is, and which
//     instances count.
//   - plan tells when a run would be complete, by Config.Window, Limits and Signals.
//
// Only the Logger should be another one, for what it says gets between the lines; and the
// Instance, if the app sets it, for two processes under one name are hard to tell apart.
//
// # The commands
//
//	list                       one line for each transform
//	status [NAME…]             all that is known; --watch follows it
//	explain NAME               why it is quiet, and what can be done
//	plan NAME                  what it would do, tried on a sample that is rolled back
//	pause, resume NAME         stop between two batches; go on
//	cancel, restart NAME       give up; begin again at the first row
//	retry, accept NAME         try the rows in quarantine again; leave them as they are
//	tune NAME SETTING=VALUE…   change how it runs, over flags and code
//	untune NAME [SETTING…]     set that back, or all of it
//	run-now NAME               run outside its window for an hour, or --for 2h
//	verify NAME                look at the rows of a complete one again; --wait for the result
//	revert NAME                write back what its rows held before
//	finish NAME                do what is left now, here, and wait for it
//	gate NAME…                 may the old column go?
//	reads NAME                 how often the old column was read, and by whom
//	log NAME                   who did what, and why
//	quarantine NAME            the rows that could not be transformed
//	mismatches NAME            the rows that the newest verification has found
//	journal NAME               what rows held before; drop-journal deletes it
//	fleet                      the instances of the app, and the columns they read
//
// cancel, restart, revert, run-now and drop-journal ask for confirmation. With --yes they
// do not, and where nobody is at a terminal they refuse without it. What is done is kept
// with who did it (--by, by default the user of the operating system) and why (--why).
// Names of transforms and settings are completed by the shell once the app's completion
// is installed ("myapp completion --help").
//
// # JSON
//
// With --json a command writes one line of JSON to stdout, and nothing else; errors go to
// stderr. The types are those of the engine, and grow but do not change:
//
//	list, status               []bgtransform.Status
//	status --watch, finish     a bgtransform.Status a line, whenever it changes
//	explain                    [Explanation]
//	plan                       bgtransform.Plan
//	pause … drop-journal       [Done]
//	verify --wait              bgtransform.Verification
//	gate                       [Answer], also when it refuses
//	reads                      bgtransform.Reads
//	log                        []bgtransform.Action
//	quarantine                 []bgtransform.QuarantinedRow
//	mismatches                 []bgtransform.MismatchedRow
//	journal                    []bgtransform.JournalEntry
//	fleet                      []bgtransform.PoolMember
//
// # Exit codes
//
// [ExitCode] returns them for an error of cobra's Execute:
//
//	0  done, or yes
//	1  failed: the database cannot be reached, for one; nobody knows the answer
//	2  the command line makes no sense, or a confirmation was needed
//	3  not yet: the gate does not open, finish came to no end, a verification found
//	   something wrong, or what was watched has failed
//	4  there is no such transform
//	5  its state does not allow that
//
// # Terminals
//
// Colours and lines that change in place are for terminals only, and not with NO_COLOR
// or TERM=dumb in the environment. Elsewhere status --watch and finish write a line when
// something changes, and every ten seconds while it goes on.
package cobracli
