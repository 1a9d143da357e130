package remediate

// Input is one thing that reached an incident. Exactly one field is set.
type Input struct {
	// Woken says that a time has come, or that the incident was just opened.
	Woken bool
	// Look says that something changed that makes it worth looking at once: the
	// alert, or the end of the incident it waited for. Work that has begun is not
	// disturbed by it.
	Look bool
	// WentBack says that the disks below the agent were exchanged.
	WentBack bool
	// Again says that nobody watched for a while, as after a start of the agent:
	// what was seen before counts no more.
	Again bool
	// Looked answers WantLook.
	Looked *Looked
	// Judged answers WantJudge.
	Judged *Judgement
	// Gathered answers WantGather.
	Gathered *Gathered
	// Prepared answers WantPrepare.
	Prepared *Prepared
	// Acted answers WantAct and WantReconcile.
	Acted *Acted
	// Probed answers WantProbe.
	Probed []Observation
	// Said is what a person wants.
	Said *Said
}

// Looked is what was seen when an incident was looked at.
type Looked struct {
	// Observations are those of the verification's probes first, then of
	// whatever else the plan was made of.
	Observations []Observation
	// Verify counts the observations that are the verification's.
	Verify int
	// Plan is what could be done; PlanError says why none can be made.
	Plan      Plan
	PlanError string
	// Unreadable says what has to be known of the world to make a plan, and could not
	// be read: it is asked again.
	Unreadable string
	// Invocations are those of what the plan may touch.
	Invocations map[Target]string
}

// Judgement is an answer of the gates with what they knew.
type Judgement struct {
	Verdict Verdict
	Facts   RawJSON
}

// Prepared is all that is needed to write an intent.
type Prepared struct {
	// Verdict is the gates' answer directly before the effect.
	Judgement
	Witness Witness
	// Takes is what the step would take along now.
	Takes []Target
	// Error says that the witness could not be read, so nothing may be done.
	Error string
}

// Acted is what came of a step.
type Acted struct {
	// Receipt is what the world said, if anything.
	Receipt Receipt
	// NotDone says that it has certainly not happened, InDoubt that it can't be
	// told; Error says why.
	NotDone bool
	InDoubt bool
	Error   string
	// Withheld is whether it was not done because a freeze came after the intent.
	Withheld bool
	// Invocations are those of what the plan may touch, read just afterwards.
	Invocations map[Target]string
	// Recovered is whether it was read from the world after a crash.
	Recovered bool
}

// Said is a person's verb.
type Said struct {
	Verb    string
	By      string
	Comment string
	// Plan is the digest of the rung that the person saw, where they approve it.
	Plan string
	// Mute is whether who acknowledges wants the source alert silenced too.
	Mute bool
	// Claimed is whether nobody has checked that it was By who said it, and Silence
	// the one that says so: an acknowledgement from Alertmanager.
	Claimed bool
	Silence string
	// Again is whether a plan is to be made anew for an approval that expired.
	Again bool
	// Force is whether it is closed whatever its probes say, Seen what they said.
	Force bool
	Seen  []Observation
	// Approves is the greatest risk that the person may approve.
	Approves Risk
	// Proof is the person's signature, checked before.
	Proof *Proof
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
