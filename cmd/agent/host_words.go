package main

import (
	"cmp"
	"fmt"

	"nightshift/remediate"
)

// sayHost says an event of the host itself.
func sayHost(e remediate.Event) told {
	switch {
	case e.Froze != nil:
		return told{head: in(red, "frozen by "+e.Froze.By+": "+cmp.Or(oneLine(e.Froze.Reason), "no reason given"))}
	case e.Thawed != nil:
		return told{head: in(green, reasoned("thawed by "+e.Thawed.By, "", oneLine(e.Thawed.Comment)))}
	case e.BreakerOpened != nil:
		b := e.BreakerOpened
		return told{head: in(red, reasoned("breaker "+string(b.Key())+" opened", "", oneLine(b.Why)))}
	case e.BreakerClosed != nil:
		b := e.BreakerClosed
		return told{head: in(green, reasoned("breaker "+string(b.Key)+" closed by "+b.By, "", oneLine(b.Comment)))}
	case e.AutonomySet != nil:
		return sayAutonomy(*e.AutonomySet)
	case e.StormBegan != nil:
		return told{head: in(red, "a storm of alerts: nothing is acted on; "+oneLine(e.StormBegan.Why))}
	case e.SourceChanged != nil:
		return told{head: in(yellow, "source "+e.SourceChanged.Source+" is "+string(e.SourceChanged.To))}
	case e.WentBack != nil:
		return told{head: in(red, "the disks below this agent were exchanged since it last wrote")}
	case e.StoodAside != nil:
		return told{head: in(yellow, "stands aside for "+e.StoodAside.By)}
	}
	return told{head: say(string(e.Type))}
}

func sayAutonomy(a remediate.AutonomySet) told {
	text := fmt.Sprintf("playbook %s is at level %s from now on", a.Playbook, a.To)
	if a.By != "" {
		return told{head: in(green, reasoned(text+", by "+a.By, "", oneLine(a.Comment)))}
	}
	return told{head: in(red, reasoned(text, "", oneLine(a.Why)))}
}
