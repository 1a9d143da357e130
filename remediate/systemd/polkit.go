package systemd

import (
	"context"
	"errors"
	"strings"

	"github.com/godbus/dbus/v5"
)

// polkit answers what systemd asks it of a caller that is not root, and systemd
// queues the job when the answer is there: also when the caller is dead by then.
const (
	polkit          = "org.freedesktop.PolicyKit1"
	polkitAuthority = "/org/freedesktop/PolicyKit1/Authority"
)

// polkitAnswered returns when polkit has answered all that systemd had asked it
// before, so that no job of a caller that died is still to come. It needs no
// patience: polkitd answers in the order in which it was asked, and a bus delivers
// in order, so its answer to us comes after its answer to systemd. It is asked
// twice, because it queues an answer once more before it sends it. Where there is
// no polkit, systemd has nothing to wait for. It reads only, for 5 s at most, also
// when ctx has ended.
func (u *Units) polkitAnswered(ctx context.Context) error {
	c, err := u.bus.connection()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	authority := c.calls.Object(polkit, polkitAuthority)
	for range 2 {
		call := authority.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, polkit+".Authority", "BackendVersion")
		if isMissing(call.Err) {
			return nil
		}
		if call.Err != nil {
			return call.Err
		}
	}
	return nil
}

// isMissing is the bus's answer where nobody has that name, and nobody can be
// started who would.
func isMissing(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) &&
		(reply.Name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
			reply.Name == "org.freedesktop.DBus.Error.NameHasNoOwner" ||
			strings.HasPrefix(reply.Name, "org.freedesktop.DBus.Error.Spawn.") ||
			strings.HasPrefix(reply.Name, "org.freedesktop.systemd1."))
}
