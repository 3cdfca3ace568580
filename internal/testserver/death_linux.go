package testserver

import "syscall"

// dieWithParent has a process get a signal when the thread that started it ends,
// be it because the whole of this process was killed.
func dieWithParent(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }
