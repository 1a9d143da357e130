package systemd

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"nightshift/remediate"
)

// What a failed call means decides whether a step may be done again: in doubt is
// whatever may have reached systemd.
func TestWhatAFailedCallMeans(t *testing.T) {
	reply := func(name string) error { return dbus.Error{Name: name} }
	for what, c := range map[string]struct {
		err                  error
		inDoubt, unreachable bool
	}{
		"no such unit":           {reply("org.freedesktop.systemd1.NoSuchUnit"), false, false},
		"refused by polkit":      {reply(errInteractive), false, false},
		"nobody has the name":    {reply("org.freedesktop.DBus.Error.NameHasNoOwner"), false, true},
		"not delivered":          {reply("org.freedesktop.DBus.Error.ServiceUnknown"), false, true},
		"no reply":               {reply("org.freedesktop.DBus.Error.NoReply"), true, false},
		"connection lost":        {dbus.ErrClosed, true, false},
		"no answer in time":      {context.DeadlineExceeded, true, false},
		"we are going away":      {context.Canceled, true, false},
		"never had a connection": {errClosed, false, true},
	} {
		err := cannotAct(stepOf(remediate.VerbRestart, "nginx.service"), c.err)
		if got := errors.Is(err, remediate.ErrInDoubt); got != c.inDoubt {
			t.Errorf("%s: in doubt is %v: %v", what, got, err)
		}
		if got := errors.Is(err, ErrUnreachable); got != c.unreachable {
			t.Errorf("%s: unreachable is %v: %v", what, got, err)
		}
		if !strings.HasPrefix(err.Error(), "cannot ") || !strings.Contains(err.Error(), "restart nginx.service") {
			t.Errorf("%s: %q names no step", what, err)
		}
	}
}
