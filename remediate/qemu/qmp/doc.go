// Package qmp speaks with a running QEMU over its QEMU Machine Protocol, on a Unix
// socket: one JSON object a line, as in QEMU's docs/interop/qmp-spec.
//
// A [Conn] is one connection; when it is gone it stays gone. A [Client] keeps one
// and dials anew when it is used after a loss. Both have the typed calls of
// [Commands]. A Client is also a Monitor as github.com/digitalocean/go-qemu means
// it, so that its qmp/raw and qemu.Domain work over it.
//
// What holds of every call:
//
//   - It ends with its context, and at the latest after [Options.Timeout] when the
//     context has no deadline.
//   - Its answer is matched by id, may be of any size up to [MaxMessage], and is a
//     buffer of its own.
//   - It is sent once. When it was sent and no answer came, the error is
//     [ErrInDoubt]: look at what QEMU does now, and decide then.
//   - Events come beside it: a subscriber that does not read loses its oldest
//     events, which are counted, and holds up nothing.
//
// QEMU serves one client of a socket at a time, and lets a second one wait without
// a word; that is [ErrHeld]. Whoever shares a machine with people calls
// [Client.Disconnect] when it needs the socket no longer.
//
// These commands can be sent, and no other: an agent that is taken over, or has a
// bug, can do to a virtual machine what stands here and nothing more.
//
//	qmp_capabilities         opens a connection
//	query-status             whether the guest runs, and why not
//	query-version            QEMU's version
//	query-block              drives, and the images that they are on
//	query-named-block-nodes  every node of the block graph
//	query-block-jobs         jobs that somebody runs on a disk
//	screendump               a picture of the screen, into a file
//	blockdev-add             opens an overlay
//	blockdev-del             closes one that is not in use
//	blockdev-snapshot        puts an overlay over a disk in use
//	transaction              several blockdev-snapshot at one moment, nothing else
//	cont                     wakes a paused guest
//	system_powerdown         presses the guest's power button
//	system_reset             presses its reset button
//	quit                     ends QEMU
package qmp
