//go:build unix

package testserver

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

const (
	onUnix       = true
	signalFreeze = syscall.SIGSTOP
	signalThaw   = syscall.SIGCONT
)

// ownGroup keeps a process out of the reach of a terminal's Ctrl-C.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// attributes returns how a server is started: as the given account, in a process
// group of its own, and with a signal that it gets when this process dies.
func attributes(as *account, death syscall.Signal) *syscall.SysProcAttr {
	attr := ownGroup()
	if as != nil {
		attr.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	dieWithParent(attr, death)
	return attr
}

// send sends a signal to a process that may be gone.
func send(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// account is whom a server runs as, if not as ourselves.
type account struct{ uid, gid uint32 }

// unprivileged returns an account for servers that refuse to run as root: nil if
// we are not root anyway.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &account{uid: uint32(uid), gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

// give makes the account the owner of a file.
func (a *account) give(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}
