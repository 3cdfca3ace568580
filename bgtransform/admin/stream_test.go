package admin

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Only so many are kept up to date, and none once the page is closed.
func TestMostStreams(t *testing.T) {
	t.Parallel()
	b := newBoard(source{}, slog.New(slog.DiscardHandler), time.Hour)
	var leave func()
	for range mostStreams {
		var err error
		if leave, err = b.join(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.join(); !errors.Is(err, errFull) {
		t.Errorf("one more: %v, want %v", err, errFull)
	}
	leave()
	if _, err := b.join(); err != nil {
		t.Errorf("once somebody has left: %v", err)
	}
	b.close()
	for range mostStreams {
		leave()
	}
	if _, err := b.join(); !errors.Is(err, errClosed) {
		t.Errorf("after close: %v, want %v", err, errClosed)
	}
}

// Who watches sees at once what an action has changed, and what the loop finds.
func TestWatchersAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBoard(source{}, slog.New(slog.DiscardHandler), time.Minute)
		n := 0
		b.all = newSheet(b.log, readOneTime, func(context.Context) (overview, error) {
			n++
			return overview{Transforms: make([]summary, n)}, nil
		})
		leave, err := b.join()
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		if n != 0 {
			t.Errorf("%d readings for nobody", n)
		}
		changed, unwatch := b.all.watch()
		began := time.Now()
		b.expire("x")
		<-changed
		if took := time.Since(began); took != 0 {
			t.Errorf("an action is seen after %s", took)
		}
		<-changed
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the loop has told of something new after %s", took)
		}
		unwatch()
		leave()
		b.close()
	})
}

// Close ends a reading that is under way, and comes back when that has ended.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	b := newBoard(source{}, slog.New(slog.DiscardHandler), time.Hour)
	begun := make(chan struct{})
	var ended atomic.Bool
	b.all = newSheet(b.log, readOneTime, func(ctx context.Context) (overview, error) {
		close(begun)
		<-ctx.Done()
		<-time.After(50 * time.Millisecond)
		ended.Store(true)
		return overview{}, ctx.Err()
	})
	_, unwatch := b.all.watch()
	defer unwatch()
	leave, err := b.join()
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	b.kick <- struct{}{}
	<-begun
	if b.close(); !ended.Load() {
		t.Error("the reading goes on")
	}
}

// What people write is one line of text wherever it is read.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" as it is, ü ": "as it is, ü", "two\r\nlines": "two  lines", "a \x1b[31mred\x00 terminal": "a  [31mred  terminal",
		"\xff": "\uFFFD", "ann \u202egnp.exe": "ann gnp.exe", "\u2028": "",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
