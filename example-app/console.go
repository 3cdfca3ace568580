package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
)

// console writes lines for people, among them the log, around one line that
// changes in place. It is safe for concurrent use.
type console struct {
	terminal bool // else a file or a pipe, which gets no line in place

	mu  sync.Mutex
	w   io.Writer
	bar string
}

var _ io.Writer = (*console)(nil)

func newConsole(w io.Writer) *console { return &console{w: w, terminal: isTerminal(w)} }

// isTerminal reports whether w is a device that shows characters.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}

// erase is what a terminal needs to begin its line again.
const erase = "\r\x1b[K"

// Write writes whole lines, above the bar.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar == "" {
		return c.w.Write(p)
	}
	var b bytes.Buffer
	b.WriteString(erase)
	b.Write(p)
	b.WriteString(c.bar)
	if _, err := c.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Printf writes one line.
func (c *console) Printf(format string, args ...any) {
	_, _ = fmt.Fprintf(c, format+"\n", args...)
}

// Bar replaces the line that changes in place; an empty one removes it. It does
// nothing unless the console is a terminal.
func (c *console) Bar(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal || line == c.bar {
		return
	}
	c.bar = line
	_, _ = io.WriteString(c.w, erase+line)
}

// thousands writes a number with commas: 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
