package bgtransform

import (
	"fmt"
	"runtime"
	"strings"
)

// stack returns the functions and lines that led here. Unlike debug.Stack it
// leaves out the words of their arguments, which may be values of a row.
func stack() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}
