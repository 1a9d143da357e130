// Package qemu looks after virtual machines that QEMU runs on this host, and acts
// on them: it looks through QMP, starts and stops QEMU only by the unit that runs
// it, and exchanges disks only while the machine is proved to be down.
//
// What is where, below the directory that the inventory calls `images`:
//
//	good/            root's: promoted images, standalone and read-only, each with a
//	                 record; the file last-known-good holds the name of one
//	live/            root:nightshift-vm 2770: what QEMU runs on and the agent changes
//	  DISK           symlink to the overlay in use, a plain name
//	  DISK-ULID.qcow2                  overlays: their backing files have absolute names
//	  DISK-ULID.aside-20261123T154500Z.qcow2   what a swap put aside
//	  hold           while it is there the unit does not start
//	  swap.json      an exchange under way, checkpoints.json, grades.json
//	  proof/DISK     throw-away overlays of a boot proof
//
// Four rules shape everything here. A file name never changes under a QEMU that
// has it open, since QEMU reopens by name: so the name in use is a symlink's. What
// is about to be done is on the disk before it is begun, so that who comes after a
// crash goes forward. An image in any backing chain is neither renamed nor deleted.
// And QEMU's user may write below live/: what is read there is believed only when
// this agent, or root, wrote it.
package qemu
