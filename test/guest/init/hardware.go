package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/test/guest"
)

func loadModules() error {
	order, err := os.ReadFile(guest.ModulesFile)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(order)) {
		image, err := os.ReadFile("/modules/" + name)
		if err != nil {
			return err
		}
		if err := unix.InitModule(image, ""); err != nil {
			return fmt.Errorf("cannot load %s: %w", name, err)
		}
	}
	return nil
}

// networkUp gives the first network card the address that QEMU's user network
// forwards to (qemu(1), -netdev user). The forwarder is a neighbour: no route is
// needed. The kernel knows loopback's address.
func networkUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	card, err := unix.NewIfreq("eth0")
	if err != nil {
		return err
	}
	address := card.SetInet4Addr(net.IPv4(10, 0, 2, 15).To4())
	err = errors.Join(address, unix.IoctlIfreq(fd, unix.SIOCSIFADDR, card), raise(fd, "eth0"), raise(fd, "lo"))
	if err != nil {
		return fmt.Errorf("cannot raise the network: %w", err)
	}
	return nil
}

func raise(fd int, name string) error {
	card, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	card.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, card)
}

// openDisk opens a disk; nil if there is none.
func openDisk(serial string) (*os.File, error) {
	device := findDisk(serial)
	if device == "" {
		return nil, nil
	}
	return os.OpenFile(device, os.O_RDWR|os.O_SYNC, 0)
}

// findDisk finds a disk's device by its serial number; empty if there is none.
func findDisk(serial string) string {
	disks, _ := filepath.Glob("/sys/block/vd*") // the pattern is right
	for _, d := range disks {
		text, err := os.ReadFile(d + "/serial")
		if err == nil && strings.TrimSpace(string(text)) == serial {
			return "/dev/" + filepath.Base(d)
		}
	}
	return ""
}

// readEpoch finds the epoch among the strings of SMBIOS type 11, which follow
// its five bytes of header, each ended by a zero.
func readEpoch() string {
	raw, err := os.ReadFile("/sys/firmware/dmi/entries/11-0/raw")
	if err != nil || len(raw) < 5 {
		return ""
	}
	for text := range strings.SplitSeq(string(raw[5:]), "\x00") {
		if epoch, ok := strings.CutPrefix(text, guest.EpochPrefix); ok {
			epoch, _, _ = strings.Cut(strings.TrimSpace(epoch), " ") // what follows is for an agent
			return epoch
		}
	}
	return ""
}

// inputEvent is the size of the kernel's struct input_event, of which type,
// code and value follow two words of time.
const (
	inputEvent = 24
	keyEvent   = 1   // EV_KEY
	keyPower   = 116 // KEY_POWER
)

// obeyPowerButton powers off when the button is pressed, unless the machine
// hangs. It hears the button once it returns: a machine that serves obeys.
func (m *machine) obeyPowerButton() {
	inputs, _ := filepath.Glob("/dev/input/event*")
	for _, path := range inputs {
		file, err := os.Open(path)
		if err != nil {
			fmt.Println("guest:", err)
			continue
		}
		go func() {
			for event := make([]byte, inputEvent); ; {
				if _, err := file.Read(event); err != nil {
					return
				}
				kind, code := binary.LittleEndian.Uint16(event[16:]), binary.LittleEndian.Uint16(event[18:])
				if kind == keyEvent && code == keyPower && !m.hung.Load() {
					powerOff()
				}
			}
		}()
	}
}

// powerOff writes what is left to write, and goes.
func powerOff() {
	fmt.Println("guest: powering down")
	unix.Sync()
	time.Sleep(50 * time.Millisecond) // for the answer to who asked by HTTP
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		panicKernel(err)
	}
}
