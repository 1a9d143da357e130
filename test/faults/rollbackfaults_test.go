package faults

import (
	"fmt"
	"time"

	"nightshift/test/stage"
)

// fault is what is done to a rollback at some moment after its approval.
type fault string

const (
	noFault   fault = "no fault"
	killAgent fault = "kill -9 of the agent"
	stopAgent fault = "SIGSTOP of the agent"
	killQEMU  fault = "kill -9 of QEMU"
	stopQEMU  fault = "SIGSTOP of QEMU"
	reboot    fault = "reboot"
)

// round is how faults are dealt: half of all rollbacks have none, and the first four
// have the worst.
var round = []fault{
	noFault, killAgent, killQEMU, reboot,
	noFault, stopAgent, noFault, stopQEMU, noFault, killAgent, noFault, noFault,
}

// starts is how many starts of the machine a fault brings along: the unit is part of
// the host's start-up.
func (f fault) starts() int {
	if f == reboot {
		return 1
	}
	return 0
}

// strike waits for a random moment, and has the fault happen. What is stopped goes on
// after a while. It says what it did.
func (r *rollbackRun) strike(f fault) string {
	at := time.Duration(r.random.Float64() * float64(r.usual()))
	lasts := time.Duration(r.random.Float64() * float64(r.usual()))
	if f == noFault {
		return ""
	}
	time.Sleep(at)
	err := r.hit(f, lasts)
	said := fmt.Sprintf("after %.1f s, ", at.Seconds())
	if err != nil {
		return said + "in vain (" + err.Error() + "), "
	}
	return said
}

func (r *rollbackRun) hit(f fault, lasts time.Duration) error {
	ctx := r.t.Context()
	switch f {
	case killAgent:
		return r.KillAgent(ctx)
	case stopAgent:
		if err := r.Signal(ctx, stage.AgentUnit, "STOP"); err != nil {
			return err
		}
		time.Sleep(lasts)
		return r.Signal(ctx, stage.AgentUnit, "CONT")
	case killQEMU:
		return r.VM.Kill(ctx)
	case stopQEMU:
		if err := r.VM.Stop(ctx); err != nil {
			return err
		}
		time.Sleep(lasts)
		_ = r.VM.Continue(ctx) // unless the agent has ended it by then
		return nil
	case reboot:
		if err := r.World.Reboot(ctx); err != nil {
			r.fatal("%v", err)
		}
		return r.Host.Reconnect()
	}
	return nil
}
