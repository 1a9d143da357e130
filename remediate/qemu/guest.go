package qemu

import "strings"

// toldGuest is what each start of the VM tells the agent inside: which start it is,
// and the disks that no rollback takes back, by their serial numbers, which are their
// names (`serial=` of QEMU's -device). Only where its state lies on one of those may
// that agent act: on any other disk it would forget who froze it.
func toldGuest(epoch string, keep []string) []byte {
	told := epochCredential + epoch
	if len(keep) > 0 {
		told += " keep=" + strings.Join(keep, ",")
	}
	return []byte(told)
}
