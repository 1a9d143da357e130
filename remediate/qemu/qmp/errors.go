package qmp

import (
	"errors"
	"fmt"
)

// Why a call failed, for errors.Is. A call that ended with its context wraps the
// context's error as well. (No text here may say "not running": qemu.Domain takes
// such an error for a machine that is shut down.)
var (
	// ErrGone: there is no connection, or none any more: QEMU has ended, nothing
	// listens on the socket, or we have let go of it.
	ErrGone = errors.New("the connection to QEMU is gone")
	// ErrHeld: the socket was there and no greeting came. From outside, a QEMU that
	// serves another client looks like one that hangs.
	ErrHeld = errors.New("somebody else holds the socket (QEMU serves one QMP client at a time), or QEMU hangs")
	// ErrInDoubt: the command was sent whole and no answer came. It may have been
	// done, may be done yet, or never; it is never sent again by this package.
	// Without it, a call that failed was not done.
	ErrInDoubt = errors.New("it was sent and not answered: whether it was done is not known")
	// ErrNotListed: the command is not among those of this package; it was not sent.
	ErrNotListed = errors.New("it is not among the commands that this agent may send to QEMU")
	// ErrProtocol: what came is not QMP. The connection is ended.
	ErrProtocol = errors.New("what came over the socket is not QMP")
)

// errClosed: the client was closed for ever.
var errClosed = fmt.Errorf("%w: the client was closed", ErrGone)

// Classes of an [Error]: QapiErrorClass in QEMU's qapi/error.json.
const (
	ClassGeneric         = "GenericError"
	ClassCommandNotFound = "CommandNotFound"
	ClassDeviceNotActive = "DeviceNotActive"
	ClassDeviceNotFound  = "DeviceNotFound"
	ClassKVMMissingCap   = "KVMMissingCap"
)

// Error is QEMU's own answer that it did not do a command, for errors.As.
type Error struct {
	// Class tells errors apart for programs: one of the classes above.
	Class string `json:"class"`
	// Desc is for people, and differs between versions of QEMU.
	Desc string `json:"desc"`
}

func (e *Error) Error() string { return fmt.Sprintf("QEMU refused: %s (%s)", e.Desc, e.Class) }
