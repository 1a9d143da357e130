package remediate

// Look names one thing that is looked at before the first act, because the act
// would destroy it.
type Look struct {
	// What is the kind of evidence.
	What Sight `json:"what"`
	// Of names what it is about; empty means the incident's own target.
	Of string `json:"of,omitzero"`
	// Lines bounds a journal, Count a list.
	Lines int `json:"lines,omitzero"`
	Count int `json:"count,omitzero"`
}

// Sight is a kind of evidence.
type Sight string

// The kinds of evidence: a closed list.
const (
	SeeUnit      Sight = "unit"      // a unit's properties
	SeeUnits     Sight = "units"     // the state of each unit of the inventory
	SeeJournal   Sight = "journal"   // the last lines of a unit's journal
	SeeMemory    Sight = "memory"    // the memory of the host
	SeeProcesses Sight = "processes" // the largest processes: name, unit, size, never arguments
	SeeProbe     Sight = "probe"     // one probe's answer; of a VM, those of all by which it is called healthy
	// SeeCertificate is what a tls probe is served, and the files that it is from: its
	// serial, until when it is valid, their owners and modes.
	SeeCertificate Sight = "certificate"
	SeeDatabase    Sight = "database" // who holds the connections of a postgres probe
	SeeCPU         Sight = "cpu"      // what uses the processors, by unit
	SeeOOM         Sight = "oom"      // which processes the kernel killed because memory ran out
	SeeDisks       Sight = "disks"    // what is free on each file system
	SeeNetwork     Sight = "network"  // interfaces, routes and name servers
	SeeFirewall    Sight = "firewall" // the counters of nftables

	SeeScreen     Sight = "screen"      // a VM's screen, as text where it is one
	SeeQMPStatus  Sight = "qmp-status"  // QEMU's own word for its run state
	SeeBlockGraph Sight = "block-graph" // which images its disks are on, and what lies below them
	SeeConsole    Sight = "console"     // the last lines of its serial console
)

// Sights lists the kinds of evidence, for the loader and the docs.
var Sights = []Sight{
	SeeUnit, SeeUnits, SeeJournal, SeeMemory, SeeProcesses, SeeProbe,
	SeeCertificate, SeeDatabase, SeeCPU, SeeOOM, SeeDisks, SeeNetwork, SeeFirewall,
	SeeScreen, SeeQMPStatus, SeeBlockGraph, SeeConsole,
}

// Evidence is what was seen of one [Look].
type Evidence struct {
	Look Look `json:"look"`
	// Text is what was seen, at most 4 KiB in an event; what is longer is kept
	// apart under Digest and Size.
	Text string `json:"text,omitzero"`
	// Digest is the SHA-256 of the whole text in hex, and Size its length in
	// bytes, when Text does not hold all of it.
	Digest string `json:"digest,omitzero"`
	Size   int    `json:"size,omitzero"`
	// Error says why it could not be seen; evidence never stops an act.
	Error string `json:"error,omitzero"`
}
