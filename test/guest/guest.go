// Package guest is a virtual machine small enough to be booted many times in a
// test, without KVM, in 2-3 s: Debian's cloud kernel, the modules that it needs
// to see virtio's devices, and one Go program, init, as all of its user land.
//
// Kernel and initramfs are the same for every machine, passed to QEMU by
// -kernel and -initrd. What a machine is lies on its disks, as with a real
// one: the system disk says which image it is and how it behaves ([Image]), and
// counts its boots, so that an overlay over it is written to; the data disk has
// a counter that grows by POST /count, and that no rollback may lose. init
// serves both over HTTP, see [Served].
//
// A machine whose initramfs has an [Agent] runs it as well, and its command line by
// POST /nightshift?arg=…, with what is posted as its input.
//
// A machine obeys ACPI's power button, unless it hangs, and tells QEMU by
// pvpanic when its kernel panics.
package guest

// Port is where the guest serves HTTP: the port that RAVE's QEMU forwards.
const Port = 3002

// The disks' serial numbers, by which init tells them apart, as QEMU's
// `-device virtio-blk-pci,serial=` gives them.
const (
	SystemSerial = "system"
	DataSerial   = "data"
)

// CommandLine is what the kernel wants to be told: its console, to stay where it is
// after a panic, as QEMU is there to judge it, and not to test the timer's interrupts:
// on a busy host the emulated timer is late, and the kernel gives up on the machine
// (1 of some 300 boots, "IO-APIC + timer doesn't work", beside builds on two cores).
const CommandLine = "console=ttyS0 quiet panic=0 no_timer_check"

// EpochPrefix begins the string of SMBIOS type 11 that says which start of the
// machine this is (systemd.system-credentials(7)).
const EpochPrefix = "io.systemd.credential:nightshift.epoch="

// Served is the answer to GET /, with status 200, or 500 from an unhealthy
// image.
type Served struct {
	Image string `json:"image"`
	// Boots counts the boots of this system disk, this one too.
	Boots uint64 `json:"boots"`
	// Data is the data disk's counter; nil says that there is no such disk.
	Data *uint64 `json:"data"`
	// Epoch is the host's name for this start.
	Epoch string `json:"epoch"`
}

// Breaks are what POST /break/NAME does to a machine whatever its image: it
// panics, hangs, powers itself off, or answers 500 from now on. A reset or a
// boot mends it.
var Breaks = []string{"panic", "hang", "poweroff", "unhealthy"}
