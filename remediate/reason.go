package remediate

// The reasons for which an incident waits, is refused, or ends as it does. The
// guard adds those of its gates.
const (
	// How an incident ended.
	ReasonFixed     Reason = "fixed"      // our act, verified
	ReasonHealthy   Reason = "healthy"    // healthy and the alert gone without an act of ours
	ReasonClosed    Reason = "closed"     // a person closed it
	ReasonDenied    Reason = "denied"     // a person said no
	ReasonExhausted Reason = "exhausted"  // the ladder has no rung left
	ReasonDeadline  Reason = "deadline"   // its deadline passed
	ReasonNoPlan    Reason = "no_plan"    // no rung of the ladder has anything to act on
	ReasonExpired   Reason = "expired"    // nobody approved in time
	ReasonDisproved Reason = "wont_apply" // the plan could not be made

	// What it is about is not in the inventory.
	ReasonUnknownTarget Reason = "unknown_target"

	// What the probes said.
	ReasonUnknown      Reason = "probe_unknown"   // they can't tell, so nothing is done
	ReasonDisagrees    Reason = "alert_disagrees" // they are healthy though the alert fires
	ReasonAlertGone    Reason = "alert_gone"      // they are unhealthy though the alert is gone
	ReasonInconclusive Reason = "inconclusive"    // a verification that could not tell

	// What it waits for.
	ReasonTargetTaken Reason = "target_taken" // another incident has the same target

	// What happened to a step.
	ReasonInDoubt      Reason = "in_doubt"       // it can't be told whether it happened
	ReasonPersonAtWork Reason = "person_at_work" // somebody else acted on the same thing
)
