package remediate

// Input is one thing that reached an incident. Exactly one field is set. The log
// keeps what is needed to decide about it again.
type Input struct {
	// Woken says that a time has come, or that the incident was just opened.
	Woken bool `json:"woken,omitzero"`
	// Look says that something changed that makes it worth looking at once: the
	// alert, or the end of the incident it waited for. Work that has begun is not
	// disturbed by it.
	Look bool `json:"look,omitzero"`
	// WentBack says that the disks below the agent were exchanged.
	WentBack bool `json:"wentBack,omitzero"`
	// Again says that nobody watched for a while, as after a start of the agent:
	// what was seen before counts no more.
	Again bool `json:"again,omitzero"`
	// Looked answers WantLook.
	Looked *Looked `json:"looked,omitzero"`
	// Judged answers WantJudge.
	Judged *Judgement `json:"judged,omitzero"`
	// Gathered answers WantGather.
	Gathered *Gathered `json:"gathered,omitzero"`
	// Prepared answers WantPrepare.
	Prepared *Prepared `json:"prepared,omitzero"`
	// Acted answers WantAct and WantReconcile.
	Acted *Acted `json:"acted,omitzero"`
	// Probed answers WantProbe.
	Probed []Observation `json:"probed,omitzero"`
	// Said is what a person wants.
	Said *Said `json:"said,omitzero"`
}

// Looked is what was seen when an incident was looked at.
type Looked struct {
	// Observations are those of the verification's probes first, then of
	// whatever else the plan was made of.
	Observations []Observation `json:"observations,omitzero"`
	// Verify counts the observations that are the verification's.
	Verify int `json:"verify,omitzero"`
	// Seen is what the plan was made of beside them.
	Seen *Seen `json:"seen,omitzero"`
	// Plan is what could be done; PlanError says why none can be made.
	Plan      Plan   `json:"plan,omitzero"`
	PlanError string `json:"planError,omitzero"`
	// Invocations are those of what the plan may touch.
	Invocations map[Target]string `json:"invocations,omitzero"`
}

// Judgement is an answer of the gates with what they knew.
type Judgement struct {
	Verdict Verdict `json:"verdict,omitzero"`
	Facts   RawJSON `json:"facts,omitzero"`
}

// Prepared is all that is needed to write an intent.
type Prepared struct {
	// Verdict is the gates' answer directly before the effect.
	Judgement
	Witness Witness `json:"witness,omitzero"`
	// Takes is what the step would take along now.
	Takes []Target `json:"takes,omitzero"`
	// Error says that the witness could not be read, so nothing may be done.
	Error string `json:"error,omitzero"`
}

// Acted is what came of a step.
type Acted struct {
	// Receipt is what the world said, if anything.
	Receipt Receipt `json:"receipt,omitzero"`
	// NotDone says that it has certainly not happened, InDoubt that it can't be
	// told; Error says why.
	NotDone bool   `json:"notDone,omitzero"`
	InDoubt bool   `json:"inDoubt,omitzero"`
	Error   string `json:"error,omitzero"`
	// Withheld is whether it was not done because a freeze came after the intent.
	Withheld bool `json:"withheld,omitzero"`
	// Invocations are those of what the plan may touch, read just afterwards.
	Invocations map[Target]string `json:"invocations,omitzero"`
	// Recovered is whether it was read from the world after a crash.
	Recovered bool `json:"recovered,omitzero"`
}

// Said is a person's verb.
type Said struct {
	Verb    string `json:"verb,omitzero"`
	By      string `json:"by,omitzero"`
	Comment string `json:"comment,omitzero"`
	// Plan is the digest of the rung that the person saw, where they approve it.
	Plan string `json:"plan,omitzero"`
	// Mute is whether who acknowledges wants the source alert silenced too.
	Mute bool `json:"mute,omitzero"`
	// Claimed is whether nobody has checked that it was By who said it, and Silence
	// the one that says so: an acknowledgement from Alertmanager.
	Claimed bool   `json:"claimed,omitzero"`
	Silence string `json:"silence,omitzero"`
	// Again is whether a plan is to be made anew for an approval that expired.
	Again bool `json:"again,omitzero"`
	// Force is whether it is closed whatever its probes say, Seen what they said.
	Force bool          `json:"force,omitzero"`
	Seen  []Observation `json:"seen,omitzero"`
	// Approves is the greatest risk that the person may approve.
	Approves Risk `json:"approves,omitzero"`
	// Proof is the person's signature, checked before.
	Proof *Proof `json:"proof,omitzero"`
}

// Proof is a person's signature over what they said, as it was checked.
type Proof struct {
	Key       string `json:"key"` // the public nkey, U…
	Nonce     string `json:"nonce"`
	Signature string `json:"signature"` // base64url
	// Expires is when what was signed may not be taken any more.
	Expires Instant `json:"expires"`
}

// The verbs that end an incident.
const (
	PersonCloses  = "close"
	PersonDenies  = "deny"
	PersonCancels = "cancel"
)

// Want is what an incident wants of the world next.
type Want string

// The wants.
const (
	WantNothing   Want = "nothing"   // it is over
	WantLook      Want = "look"      // ask the probes, make a plan
	WantJudge     Want = "judge"     // ask the gates about the rung
	WantGather    Want = "gather"    // take the evidence
	WantPrepare   Want = "prepare"   // read the witness, ask the gates about the step
	WantAct       Want = "act"       // do the step whose intent is durable
	WantReconcile Want = "reconcile" // find out whether that step happened
	WantProbe     Want = "probe"     // ask the probes
	WantRest      Want = "rest"      // be woken at a time
)

// Effect is what an incident wants next, and when. An incident has one effect at
// a time; what reaches it in between replaces it, unless it is acting. The zero
// Effect leaves what is under way as it is.
type Effect struct {
	Want Want
	At   Instant
}
