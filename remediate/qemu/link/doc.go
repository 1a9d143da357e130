// Package link is the line between an agent on a host and the agent inside one of
// its virtual machines: a virtio-serial port on the guest's side, the Unix socket
// of QEMU's chardev on the host's.
//
// Both write one JSON object a line, of at most [MaxLine] bytes, which names the
// version of the protocol and holds exactly one of
//
//	status       guest → host  how the agent inside stands, each [Every]
//	stand_aside  host → guest  leave the acting to the host for that long
//	done         guest → host  that is durable now, or why it is not
//
// Members that are not known are ignored, so that one end can be newer than the
// other; a line that is no such object is passed over. A port drops bytes while
// nobody listens, and either end can be restarted at any time: so a reader takes
// up at the next newline, a writer begins with one, an order is sent again until
// it is answered, and an order that comes again is answered and not done again.
//
// Neither end believes more than it must. A host bounds how much it reads of a
// guest in a second, and what a status may say. Nothing waits without a bound:
// each write has a deadline, an order has its context, and Close ends the rest.
package link

import "time"

const (
	// Port is the name of the virtio-serial port: `-device virtserialport,name=`
	// in QEMU. In the guest udev makes [Device] of it.
	Port = "nightshift.0"
	// Device is where the port is found inside.
	Device = "/dev/virtio-ports/" + Port
	// Every is how often the guest says how it stands.
	Every = 5 * time.Second
	// MaxLine bounds a line, its newline included: the longest that either end
	// writes is below a third of it.
	MaxLine = 4 << 10
	// MaxAside bounds an order to stand aside: twice the longest boot that an
	// inventory may allow.
	MaxAside = time.Hour
)

const (
	// writeWithin is how long a line may wait for room. The port's queue takes
	// many lines, so one that is full has nobody behind it.
	writeWithin = 2 * time.Second
	// openAgain is the pause before the line is opened again: an end that is
	// restarted is heard again within a second.
	openAgain = time.Second
	// sayAgain is when an order that was not answered is sent again.
	sayAgain = time.Second
)
