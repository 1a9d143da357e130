package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/godbus/dbus/v5"

	"nightshift/remediate"
)

// ErrUnreachable says that systemd did not answer: there is no bus, no systemd on
// it, or no answer in time. Nothing is known, and nothing was asked for.
var ErrUnreachable = errors.New("systemd cannot be reached over D-Bus")

// Names of errors as the D-Bus specification and bus-common-errors.h of systemd
// have them.
const (
	errAccessDenied = "org.freedesktop.DBus.Error.AccessDenied"
	errInteractive  = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
)

// undelivered are answers of the bus itself: the message reached nobody.
var undelivered = []string{
	"org.freedesktop.DBus.Error.ServiceUnknown",
	"org.freedesktop.DBus.Error.NameHasNoOwner",
}

// unanswered are answers of the bus for a message that may have been acted on.
var unanswered = []string{
	"org.freedesktop.DBus.Error.NoReply",
	"org.freedesktop.DBus.Error.Disconnected",
	"org.freedesktop.DBus.Error.TimedOut",
	"org.freedesktop.DBus.Error.Timeout",
}

// answer is what became of a call.
type answer int

const (
	refused answer = iota // systemd said no: nothing was done
	lost                  // it was never delivered: nothing was done
	silent                // it was sent, and no answer came
)

// sortOf tells what an error of a call means.
func sortOf(err error) answer {
	var reply dbus.Error
	switch {
	case !errors.As(err, &reply), slices.Contains(unanswered, reply.Name):
		return silent
	case slices.Contains(undelivered, reply.Name):
		return lost
	}
	return refused
}

// cannotRead says why a unit could not be read.
func cannotRead(unit string, err error) error {
	return fmt.Errorf("cannot read %s: %w", unit, because(err))
}

// cannotAct says what a failed call means for a step: nothing was done, or it
// can't be told.
func cannotAct(step remediate.Step, err error) error {
	switch {
	case errors.Is(err, ErrUnreachable):
		return fmt.Errorf("cannot %s: %w", step, err)
	case sortOf(err) == silent:
		return inDoubt(step, err)
	}
	return fmt.Errorf("cannot %s: %w", step, because(err))
}

// because adds to an error of a call what to do about it, where that is known.
func because(err error) error {
	switch {
	case denied(err):
		return fmt.Errorf("polkit does not let user %s do this: install the rule that `nightshift config polkit` prints: %w", userName(), err)
	case sortOf(err) != refused:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}

// denied tells a lack of rights. Where no rule says yes, polkit wants to ask for
// a password, and nobody is there to type one.
func denied(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && (reply.Name == errAccessDenied || reply.Name == errInteractive)
}

func userName() string {
	account, err := user.Current()
	if err != nil {
		return "number " + strconv.Itoa(os.Getuid())
	}
	return account.Username
}
