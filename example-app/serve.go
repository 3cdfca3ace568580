package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// listen takes the address at once, so that a port that is taken is found out
// before anything else happens.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot serve at %s: %w; choose another address with HTTP_ADDR, such as HTTP_ADDR=127.0.0.1:0 for any free port", addr, err)
	}
	return l, nil
}

// drain is how long requests under way may take once the app stops.
const drain = 500 * time.Millisecond

// serve serves until ctx ends and the requests under way are answered. It calls ending
// as soon as that begins, for answers that would not end by themselves.
func serve(ctx context.Context, l net.Listener, h http.Handler, ending func(), logger *slog.Logger) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(ending)
	stopped := make(chan struct{})
	go func() { // ends when serve is told to
		defer close(stopped)
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}()
	if err := server.Serve(l); ctx.Err() == nil {
		logger.ErrorContext(ctx, "example-app: the server stopped", "error", err)
	}
	<-stopped
}
