package playbooks

import (
	"time"

	"nightshift/remediate"
)

// thisHost is the target of a playbook about the host as a whole.
var thisHost = remediate.TargetRule{Host: true}

// unit is the target of a playbook about one unit.
func unit(name string) remediate.TargetRule { return remediate.TargetRule{Unit: name} }

// ladder and rung build the ladder; a rung's steps are done in order and verified
// together.
func ladder(rungs ...remediate.Rung) []remediate.Rung { return rungs }

func rung(name string, do ...remediate.Move) remediate.Rung {
	return remediate.Rung{Name: name, Do: do}
}

// restart restarts what a selector chooses, each unit in the order of needs.
func restart(on remediate.Selector) remediate.Move {
	return remediate.Move{Do: remediate.VerbRestart, On: on}
}

// reload has a selector's units read their configuration anew.
func reload(on remediate.Selector) remediate.Move {
	return remediate.Move{Do: remediate.VerbReload, On: on}
}

// limit gives a selector's units what a profile of the inventory says, for as long as
// it says.
func limit(on remediate.Selector, profile string) remediate.Move {
	return remediate.Move{Do: remediate.VerbLimit, On: on, Profile: profile}
}

// oneshot starts a unit that does one thing and ends. How long it may take, it says
// itself; this is a little longer than that.
func oneshot(on remediate.Selector, most time.Duration) remediate.Move {
	return remediate.Move{Do: remediate.VerbOneshot, On: on, Timeout: most + 10*time.Second}
}

// the selects one unit by its name in the inventory.
func the(name string) remediate.Selector { return remediate.Selector{Unit: name} }

// The choices that are made when the plan is made.
var (
	theTarget  = remediate.Selector{What: remediate.TheTarget}
	whatFailed = remediate.Selector{What: remediate.WhatFailed}
	wholeSite  = remediate.Selector{What: remediate.WholeSite}
	theBusiest = remediate.Selector{What: remediate.Busiest}
	itsProfile = remediate.Selector{What: remediate.ItsProfile}
)

// healthy names what must be healthy afterwards: probes of the inventory, or a
// choice whose units are asked.
func healthy(probes ...string) remediate.Verify { return remediate.Verify{Healthy: probes} }

// look lists the evidence that is taken before the first act.
func look(at ...remediate.Look) []remediate.Look { return at }

// The evidence.
var (
	memory     = remediate.Look{What: remediate.SeeMemory}
	unitStates = remediate.Look{What: remediate.SeeUnits}
	properties = remediate.Look{What: remediate.SeeUnit}
	oomKills   = remediate.Look{What: remediate.SeeOOM}
	cpuByUnit  = remediate.Look{What: remediate.SeeCPU}
	disks      = remediate.Look{What: remediate.SeeDisks}
	network    = remediate.Look{What: remediate.SeeNetwork}
	firewall   = remediate.Look{What: remediate.SeeFirewall}
)

// topProcesses are the largest by resident memory.
func topProcesses(count int) remediate.Look {
	return remediate.Look{What: remediate.SeeProcesses, Count: count}
}

// lastLines are the last lines that the target wrote to the journal.
func lastLines(lines int) remediate.Look {
	return remediate.Look{What: remediate.SeeJournal, Lines: lines}
}

// answerOf is what one probe says.
func answerOf(probe string) remediate.Look {
	return remediate.Look{What: remediate.SeeProbe, Of: probe}
}

// certificateOf is what a tls probe is served, and the files that it is from.
func certificateOf(probe string) remediate.Look {
	return remediate.Look{What: remediate.SeeCertificate, Of: probe}
}

// databaseOf is who holds the connections of a postgres probe.
func databaseOf(probe string) remediate.Look {
	return remediate.Look{What: remediate.SeeDatabase, Of: probe}
}
