package bgtransform_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A liveness probe asks whether only a new process would help. That a transform is slow,
// waits, is stuck or has failed is for an alert (see Status.Stuck), not for a restart.
func ExampleScheduler_Alive() {
	db := songs()
	defer db.Close()
	sched, err := bgtransform.New(db, exampleConfig())
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if err := sched.Alive(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the scheduler ends, and the process goes on
	if err := sched.Run(ctx); err != nil {
		panic(err)
	}
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/livez", nil))
	fmt.Print(answer.Code, " ", answer.Body)
	// Output: 503 bgtransform: Run has returned
}
