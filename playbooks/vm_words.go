package playbooks

import (
	"time"

	"nightshift/remediate"
)

// vm is the target of a playbook about one virtual machine.
func vm(name string) remediate.TargetRule { return remediate.TargetRule{VM: name} }

// whatIsAsked is the target of a playbook that only a person starts.
var whatIsAsked = remediate.TargetRule{Asked: true}

// asOften is for what a person asks: their own judgement bounds how often.
var asOften = remediate.Attempts{Max: 1000, Cooldown: time.Second}

// approved makes a rung wait for a person, whatever may be done alone.
func approved(r remediate.Rung) remediate.Rung {
	r.Autonomy = remediate.Approve
	return r
}

// The choices of a virtual machine by how it stands when the plan is made.
var (
	thePaused = remediate.Selector{What: remediate.PausedVM}
	theStuck  = remediate.Selector{What: remediate.StuckVM}
)

// cont lets a guest go on that stands still.
func cont(on remediate.Selector) remediate.Move {
	return remediate.Move{Do: remediate.VerbCont, On: on, Timeout: 30 * time.Second}
}

// reset is the guest's reset button.
func reset(on remediate.Selector) remediate.Move {
	return remediate.Move{Do: remediate.VerbReset, On: on, Timeout: 30 * time.Second}
}

// The steps of taking a virtual machine down and up again. A power-down may take as
// long as an inventory can say (2 minutes), then QEMU's own end and its unit's stop.
var (
	powerDown = remediate.Move{Do: remediate.VerbPowerDown, On: theTarget, Timeout: 4 * time.Minute}
	boot      = remediate.Move{Do: remediate.VerbBoot, On: theTarget, Timeout: 100 * time.Second}
)

// swapTo puts the disks that go back aside and an image in their place. Checking an
// image reads all of its tables.
func swapTo(source remediate.Source) remediate.Move {
	return remediate.Move{Do: remediate.VerbSwap, On: theTarget, To: source, Timeout: 5 * time.Minute}
}

// What is done with checkpoints. A promotion copies and hashes a whole disk: an hour
// is some 20 MiB/s for one of 64 GiB.
var (
	checkpoint = remediate.Move{Do: remediate.VerbCheckpoint, On: theTarget, To: remediate.ToBeMade, Timeout: 2 * time.Minute}
	promote    = remediate.Move{Do: remediate.VerbPromote, On: theTarget, To: remediate.WasAsked, Timeout: time.Hour}
	prove      = remediate.Move{Do: remediate.VerbProve, On: theTarget, To: remediate.WasAsked, Timeout: time.Hour}
)

// The evidence of a virtual machine.
var (
	screen      = remediate.Look{What: remediate.SeeScreen}
	qmpStatus   = remediate.Look{What: remediate.SeeQMPStatus}
	blockGraph  = remediate.Look{What: remediate.SeeBlockGraph}
	console     = remediate.Look{What: remediate.SeeConsole, Lines: 50}
	lastAnswers = remediate.Look{What: remediate.SeeProbe}
)
