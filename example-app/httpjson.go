package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// requestError is what a client did wrong.
type requestError string

func (e requestError) Error() string { return string(e) }

func badRequest(format string, args ...any) error { return requestError(fmt.Sprintf(format, args...)) }

// write writes body as JSON.
func (a *api) write(ctx context.Context, w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.log.DebugContext(ctx, "example-app: the client left", "error", err)
	}
}

// fail answers with an error: the client's own, or one that tells nothing of the
// database.
func (a *api) fail(ctx context.Context, w http.ResponseWriter, err error) {
	status, text := http.StatusServiceUnavailable, "the catalogue cannot be used just now; see /healthz"
	var theirs requestError
	switch {
	case errors.As(err, &theirs):
		status, text = http.StatusBadRequest, theirs.Error()
	case errors.Is(err, sql.ErrNoRows):
		status, text = http.StatusNotFound, "there is no such track"
	case ctx.Err() == nil:
		a.log.WarnContext(ctx, "example-app: request failed", "error", err)
	}
	a.write(ctx, w, status, map[string]string{"error": text})
}

// editJSON is what clients send. Those that know only length may go on sending it.
type editJSON struct {
	Title    *string `json:"title,omitempty"`
	Artist   *string `json:"artist,omitempty"`
	Length   *int64  `json:"length,omitempty"`
	LengthMS *int64  `json:"length_ms,omitempty"`
}

const (
	maxBody   = 1 << 20
	maxLength = 24 * 60 * 60 * 1000 // milliseconds: a day
)

func editOf(r *http.Request) (edit, error) {
	var body editJSON
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return edit{}, badRequest("the body must be a track as JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return edit{}, badRequest("the body must be one track as JSON, and nothing after it")
	}
	return body.check()
}

func (b editJSON) check() (edit, error) {
	if b.Length != nil && b.LengthMS != nil {
		return edit{}, badRequest("send length_ms or, from an old client, length; not both")
	}
	if b.Length != nil {
		if *b.Length < 1 || *b.Length > maxLength/1000 {
			return edit{}, badRequest("length is in seconds, from 1 to %d", maxLength/1000)
		}
		ms := *b.Length * 1000
		b.LengthMS = &ms
	}
	if b.LengthMS != nil && (*b.LengthMS < 1 || *b.LengthMS > maxLength) {
		return edit{}, badRequest("length_ms is in milliseconds, from 1 to %d", maxLength)
	}
	for name, text := range map[string]*string{"title": b.Title, "artist": b.Artist} {
		if text != nil && (strings.TrimSpace(*text) == "" || len(*text) > 500 || strings.ContainsRune(*text, 0)) {
			return edit{}, badRequest("%s must be a text of 1 to 500 bytes", name)
		}
	}
	if b.Title == nil && b.Artist == nil && b.LengthMS == nil {
		return edit{}, badRequest("nothing to change: want title, artist or length_ms")
	}
	return edit{Title: b.Title, Artist: b.Artist, LengthMS: b.LengthMS}, nil
}

const maxPage = 500

func pageOf(r *http.Request) (page, error) {
	p := page{Limit: 50}
	for _, param := range []struct {
		name string
		set  func(n int64)
		most int64
	}{
		{"min_length_ms", func(n int64) { p.MinLengthMS = &n }, maxLength},
		{"after", func(n int64) { p.After = n }, 1 << 62},
		{"limit", func(n int64) { p.Limit = max(n, 1) }, maxPage},
	} {
		text := r.URL.Query().Get(param.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > param.most {
			return page{}, badRequest("%s is %q; want a whole number from 0 to %d", param.name, text, param.most)
		}
		param.set(n)
	}
	return p, nil
}
