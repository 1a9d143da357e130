// Package qmptest gives tests a QMP socket: that of a real QEMU without a guest
// ([Start]), and one that follows a script ([Serve]) for what a real QEMU cannot be
// made to do when a test wants it.
package qmptest
