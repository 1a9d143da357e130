package oncall

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// Kind says what a notification is about; it is the last token of its subject.
type Kind string

// The kinds.
const (
	NotifyOpened         Kind = "opened"
	NotifyApprovalWanted Kind = "approval_wanted"
	NotifyEscalated      Kind = "escalated"
	NotifyResolved       Kind = "resolved"
	NotifyBreakerOpened  Kind = "breaker_opened"
	NotifyFrozen         Kind = "frozen"
	NotifyJournalDamaged Kind = "journal_damaged"
	NotifyPageFailed     Kind = "page_failed"
)

// Kinds lists them, for the documentation.
var Kinds = []Kind{
	NotifyOpened, NotifyApprovalWanted, NotifyEscalated, NotifyResolved,
	NotifyBreakerOpened, NotifyFrozen, NotifyJournalDamaged, NotifyPageFailed,
}

// Notification tells people one thing that they may want to know, or have to act
// on. Text is for a tired person, the rest for a program.
type Notification struct {
	Kind Kind      `json:"kind"`
	Host string    `json:"host"`
	At   time.Time `json:"at"`
	// Text says it all in a sentence or two.
	Text     string             `json:"text"`
	Incident remediate.ID       `json:"incident,omitzero"`
	Severity remediate.Severity `json:"severity,omitzero"`
	Playbook string             `json:"playbook,omitzero"`
	Target   remediate.Target   `json:"target,omitzero"`
	// Seen is what was seen, Done what was done so far, Asked what is wanted of
	// the reader.
	Seen  string `json:"seen,omitzero"`
	Done  string `json:"done,omitzero"`
	Asked string `json:"asked,omitzero"`
	// Plan is the digest that a yes must name, Until how long one is waited for.
	Plan  string    `json:"plan,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Command answers it, Dashboard is the site's page about the host: who tells it
	// fills that in, for no link of an alert is passed on.
	Command   string `json:"command,omitzero"`
	Dashboard string `json:"dashboard,omitzero"`
}

// NotificationsQuery asks for what was missed, the oldest first.
type NotificationsQuery struct {
	// Since leaves out what was told earlier.
	Since time.Time `json:"since,omitzero"`
	// Limit is how many of the newest are shown; 0 is [DefaultLimit].
	Limit int `json:"limit,omitzero"`
}

// NotificationOf is what people are told of an event; false where that is nothing.
// The incident is as it is after the event, nil where the event is the host's. What
// was told can be made again of the log, so nobody misses anything.
func NotificationOf(e remediate.Event, i *remediate.Incident) (Notification, bool) {
	var n Notification
	switch {
	case i == nil:
		n = ofHost(e)
	case e.Opened != nil:
		n = aboutOpened(i)
	case e.Judged != nil && i.State == remediate.Held:
		n = aboutHeld(i)
	case e.Ended != nil && i.State == remediate.Escalated && !i.Quiet:
		n = aboutEscalated(i)
	case e.Paged != nil && i.Page != nil && i.Page.Times > 1: // the first goes with the handing over
		n = aboutPaged(i, *e.Paged)
	case e.Ended != nil && !i.State.Live() && i.State != remediate.Suppressed && i.State != remediate.Observed:
		n = aboutEnded(i)
	}
	n.At = e.At.Wall
	return n, n.Kind != ""
}

// PageFailed says that nobody could be called by Alertmanager.
func PageFailed(now time.Time, why string) Notification {
	return Notification{
		Kind: NotifyPageFailed, At: now, Seen: remediate.Brief(why),
		Text:    "Nobody could be called: " + remediate.Brief(why) + ".",
		Asked:   "Look at the open incidents yourself, and at the way to Alertmanager.",
		Command: "nightshift incidents --open",
	}
}

// ofHost is what people are told of an event of the host.
func ofHost(e remediate.Event) Notification {
	switch {
	case e.Froze != nil && e.Froze.Damage:
		return Notification{
			Kind: NotifyJournalDamaged, Seen: remediate.Printable(e.Froze.Reason),
			Text:    "The journal is damaged, so nothing is done until somebody accepts what is left of it.",
			Asked:   "Find out what happened to the disk, then accept the journal, then thaw.",
			Command: "nightshift journal verify",
		}
	case e.Froze != nil:
		return aboutFreeze(*e.Froze)
	case e.PageFailed != nil:
		return PageFailed(e.At.Wall, e.PageFailed.Why)
	case e.BreakerOpened != nil:
		b := *e.BreakerOpened
		return Notification{
			Kind: NotifyBreakerOpened, Incident: b.Incident, Playbook: b.Playbook, Target: b.On, Seen: remediate.Printable(b.Why),
			Text:    fmt.Sprintf("Nothing more is tried on %s: %s.", b.Key(), remediate.Printable(b.Why)),
			Asked:   "Find the cause, then close the breaker.",
			Command: fmt.Sprintf("nightshift breaker close %s --comment …", b.Key()),
		}
	}
	return Notification{}
}

func aboutFreeze(f remediate.Freeze) Notification {
	why, until := "", "until somebody thaws"
	if f.Reason != "" {
		why = " (" + remediate.Printable(f.Reason) + ")"
	}
	if !f.Until.IsZero() {
		until = "until " + clockTime(f.Until.Wall)
	}
	by, command := remediate.Printable(f.By), "nightshift thaw"
	if f.File {
		by, until, command = "A file", "until that is removed", ""
	}
	return Notification{
		Kind: NotifyFrozen, Until: f.Until.Wall, Seen: remediate.Printable(f.Reason),
		Text:    fmt.Sprintf("%s froze the agent%s: it does nothing %s, and hands what happens to people.", by, why, until),
		Command: command,
	}
}

// about is what all notifications of an incident say.
func about(kind Kind, i *remediate.Incident) Notification {
	return Notification{
		Kind: kind, Incident: i.ID, Severity: i.Severity, Playbook: i.Playbook.Name, Target: i.Target,
		Seen: seen(i), Done: done(i), Command: "nightshift show " + string(i.ID),
	}
}

func aboutOpened(i *remediate.Incident) Notification {
	n := about(NotifyOpened, i)
	n.Text = fmt.Sprintf("%s: %s. Playbook %s looks at it.", subject(i), trouble(i), i.Playbook.Name)
	if i.Asked != nil {
		n.Text = fmt.Sprintf("%s: %s asked for %s.", subject(i), remediate.Printable(i.Asked.By), i.Playbook.Name)
	}
	return n
}

func aboutHeld(i *remediate.Incident) Notification {
	n := about(NotifyApprovalWanted, i)
	n.Asked, n.Command = "A yes or a no.", "nightshift approve "+string(i.ID)
	n.Until = i.Since.Wall.Add(remediate.ApprovalLasts)
	n.Text = fmt.Sprintf("%s: %s.", subject(i), trouble(i))
	if i.Plan != nil && i.Rung < len(i.Plan.Rungs) {
		rung := i.Plan.Rungs[i.Rung]
		n.Plan = rung.Digest
		n.Text += fmt.Sprintf(" The agent wants to %s (%s%s), which needs a person's yes by %s.", rung.Name, rung.Risk(), alongWords(rung), clockTime(n.Until))
	}
	return n
}

// alongWords names what a rung takes along, for a tired person.
func alongWords(rung remediate.PlannedRung) string {
	var names []string
	for _, on := range rung.Touches() {
		if _, ok := rung.TakenBy(on); ok {
			names = append(names, on.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", which takes along " + strings.Join(names, ", ")
}

func aboutEscalated(i *remediate.Incident) Notification {
	n := about(NotifyEscalated, i)
	n.Asked, n.Command = "Take it: acknowledge, and look.", "nightshift ack "+string(i.ID)
	n.Text = fmt.Sprintf("%s is yours: %s. %s", subject(i), trouble(i), nextWords(i))
	return n
}

// nextWords says why the agent hands an incident over.
func nextWords(i *remediate.Incident) string {
	why := strings.ReplaceAll(string(i.Reason), "_", " ")
	if i.Detail != "" {
		why += ": " + remediate.Printable(i.Detail)
	}
	did := done(i)
	if did == "" {
		did = "nothing"
	}
	return fmt.Sprintf("The agent did %s and stops here (%s).", did, why)
}

func aboutPaged(i *remediate.Incident, p remediate.Paged) Notification {
	n := aboutEscalated(i)
	if p.Level == 0 && !p.Again {
		n.Text = "Whoever acknowledged it has not mended it in time, so it escalates again. " + n.Text
		return n
	}
	n.Text = fmt.Sprintf("Nobody has acknowledged for %s; this is level %d. %s", since(i), p.Level, n.Text)
	return n
}

// since is how long people have had an incident, to the minute.
func since(i *remediate.Incident) time.Duration {
	if i.Page == nil {
		return 0
	}
	return i.Page.Told.Since(i.Page.Since).Round(time.Minute)
}

func aboutEnded(i *remediate.Incident) Notification {
	n := about(NotifyResolved, i)
	how := map[remediate.State]string{
		remediate.Resolved: "is healthy again",
		remediate.Cleared:  "is healthy again, and not by the agent",
		remediate.Closed:   "was closed",
		remediate.Declined: "was declined: nothing is done",
	}[i.State]
	n.Text = fmt.Sprintf("%s %s", subject(i), how)
	if i.By != "" {
		n.Text += ", by " + remediate.Printable(i.By)
	}
	if n.Done != "" {
		n.Text += " (" + n.Done + ")"
	}
	n.Text += "."
	return n
}

// subject is what an incident is about, as a sentence begins.
func subject(i *remediate.Incident) string {
	if i.Target.IsZero() {
		return "Something that the inventory does not know"
	}
	return i.Target.String()
}

// trouble is what is wrong, in the alert's words.
func trouble(i *remediate.Incident) string {
	a := i.Alert
	text := cmp.Or(a.Annotations["summary"], a.Annotations["description"], a.Name())
	return strings.TrimRight(remediate.Brief(firstLine(remediate.Redact(text))), ". ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// seen is what is known of the trouble: the alert, and the probes that don't call it
// healthy.
func seen(i *remediate.Incident) string {
	parts := []string{trouble(i)}
	if i.Watch != nil {
		for _, o := range i.Watch.Last {
			if o.Health != remediate.Healthy {
				parts = append(parts, fmt.Sprintf("%s %s: %s", o.Probe, o.Health, remediate.Printable(o.Detail)))
			}
		}
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return remediate.Brief(strings.Join(parts, "; "))
}

// done is what the agent did, rung by rung.
func done(i *remediate.Incident) string {
	var parts []string
	for _, t := range i.Tried {
		outcome := strings.ReplaceAll(string(t.Outcome), "_", " ")
		parts = append(parts, fmt.Sprintf("%q (%s)", t.Name, cmp.Or(outcome, "under way")))
	}
	return strings.Join(parts, ", ")
}

// clockTime is a time of day as a notification says it.
func clockTime(t time.Time) string { return t.UTC().Format("15:04 MST") }
