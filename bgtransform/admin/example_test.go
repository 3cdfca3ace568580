package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// ask is what somebody with curl, or a step of a pipeline, does.
func ask(method, url, body string) string {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Session", "ann's")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	http.DefaultClient.CloseIdleConnections()
	return res.Status + " " + strings.TrimSpace(string(answer))
}

// The page is mounted in three lines. Without an authorizer it is for this machine.
func ExampleNew() {
	db := openFile(":memory:")
	defer db.Close()
	sched, _ := bgtransform.New(db, bgtransform.Config{})
	_ = sched.Register(lengthMS())
	mux := http.NewServeMux()

	page := admin.New(sched)
	defer page.Close()
	mux.Handle("/admin/", http.StripPrefix("/admin", page))

	app := httptest.NewServer(mux)
	defer app.Close()
	res, err := http.Get(app.URL + "/admin/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	http.DefaultClient.CloseIdleConnections()
	// Output: 200 OK text/html; charset=utf-8
}

// The app says who may use it, and the log of actions who has.
func ExampleAuthorize() {
	db := openFile(":memory:")
	db.SetMaxOpenConns(1)
	defer db.Close()
	sched, stop := complete(db)
	defer stop()

	page := admin.New(sched, admin.Title("music, production"), admin.Authorize(func(r *http.Request) (admin.User, error) {
		if r.Header.Get("X-Session") != "ann's" { // a session in a cookie, in life
			return admin.User{}, errors.New("no session")
		}
		return admin.User{Name: "ann"}, nil
	}))
	defer page.Close()
	app := httptest.NewServer(page)
	defer app.Close()

	fmt.Println(ask(http.MethodPost, app.URL+"/v1/transforms/track-length-ms/verify", `{"why": "before we drop the column"}`))
	log, _ := sched.Control().Actions(context.Background(), move, 1)
	fmt.Println(log[0].Action, "by", log[0].By+":", log[0].Why)
	// Output:
	// 202 Accepted {"asked":"verify"}
	// verify by ann: before we drop the column
}

// An admin tool that runs no transforms itself needs a control only, and shows what the
// gate says.
func ExampleForControl() {
	db := openFile(":memory:")
	defer db.Close()
	control, _ := bgtransform.NewControl(db)

	page := admin.ForControl(control, admin.ReadOnly(), admin.Gate(func(ctx context.Context, name string) error {
		return gate.Require(ctx, db, name, gate.Transforms(lengthMS()))
	}))
	defer page.Close()
	app := httptest.NewServer(page)
	defer app.Close()

	fmt.Println(ask(http.MethodPost, app.URL+"/v1/transforms/track-length-ms/pause", ""))
	// Output: 403 Forbidden {"error":"you may look, and change nothing"}
}

// complete returns a scheduler whose transform has nothing left to do.
func complete(db *bun.DB) (_ *bgtransform.Scheduler, stop func()) {
	_, _ = db.NewCreateTable().Model((*Track)(nil)).Exec(context.Background())
	sched, _ := bgtransform.New(db, bgtransform.Config{Environ: []string{}, Logger: slog.New(slog.DiscardHandler)})
	_ = sched.Register(lengthMS())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = sched.Run(ctx); close(done) }() // ends with stop
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if all, err := sched.Status(ctx); err == nil && all[0].State == bgtransform.StateComplete {
			break
		}
	}
	return sched, func() { cancel(); <-done }
}
