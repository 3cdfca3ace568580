package admin

import (
	"errors"
	"log/slog"
	"testing"
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
