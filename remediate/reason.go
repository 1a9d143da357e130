package remediate

// The reasons for which an incident waits, goes to people, or ends as it does. The
// guard adds those of its gates; docs/gates.md lists them all.
const (
	ReasonFixed     Reason = "fixed"       // an act of ours, and the verification found it healthy for its window
	ReasonHealthy   Reason = "healthy"     // healthy and the alert gone, without an act of ours or after people
	ReasonDone      Reason = "done"        // a person asked for it, and it was done
	ReasonFailed    Reason = "failed"      // a person asked for it, and it could not be done
	ReasonClosed    Reason = "closed"      // a person closed it
	ReasonDenied    Reason = "denied"      // a person said no to the plan
	ReasonCanceled  Reason = "canceled"    // a person canceled it, before anything was done or after the step that was under way
	ReasonExhausted Reason = "exhausted"   // the last rung of the ladder did not fix it
	ReasonWentBack  Reason = "rolled_back" // its VM was rolled back under it, so nothing that it knew is sure
	ReasonDeadline  Reason = "deadline"    // its deadline passed
	ReasonExpired   Reason = "expired"     // nobody approved the plan within 15 minutes

	ReasonUnknownTarget Reason = "unknown_target" // the inventory does not name what the alert is about
	ReasonPlanFailed    Reason = "plan_failed"    // no plan can be made: the playbook names something that the inventory does not
	ReasonNoPlan        Reason = "no_plan"        // no rung of the ladder has anything to act on

	ReasonUnknown      Reason = "probe_unknown"   // the probes can't tell, for 30 s, so nothing is done
	ReasonDisagrees    Reason = "alert_disagrees" // the probes are healthy though the alert fires
	ReasonAlertGone    Reason = "alert_gone"      // the alert is gone though the probes are not healthy, so nothing is done
	ReasonInconclusive Reason = "inconclusive"    // the verification could not tell in its time

	ReasonFrozen Reason = "frozen" // somebody froze the agent
	ReasonStorm  Reason = "storm"  // much broke at once

	ReasonTargetTaken  Reason = "target_taken"   // an earlier incident of another playbook has the same target
	ReasonInDoubt      Reason = "in_doubt"       // it can't be told whether a step happened, or how things stand before it
	ReasonPersonAtWork Reason = "person_at_work" // somebody else started or stopped it, or took our step back: only verified
)
