//go:build unix && !linux

package testserver

import "syscall"

// dieWithParent does nothing: only Linux tells a process that its parent died. A
// test process that is killed elsewhere leaves its servers behind.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
