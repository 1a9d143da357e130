package rehearsal

import (
	"time"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Suite is a file of tests of playbooks: what comes, what the world answers over
// virtual time, and what is expected of the agent.
type Suite struct {
	// Inventory is a path relative to the file, or builtin:NAME.
	Inventory string `yaml:"inventory"`
	// Playbooks are on in the place of those that the inventory lists: names of
	// coded ones, and paths relative to the file.
	Playbooks []string `yaml:"playbooks,orone"`
	Tests     []Test   `yaml:"tests"`

	reading *strict.Reading
}

// Test is one of them.
type Test struct {
	Name string `yaml:"name"`
	// Begin is the wall clock at the beginning, [DefaultBegin] if it is left out;
	// Up is how long the host is up by then.
	Begin Date          `yaml:"begin"`
	Up    time.Duration `yaml:"up"`
	// Mode is the agent's; act if it is left out.
	Mode remediate.Autonomy `yaml:"mode"`
	// Lasts is how long it goes on at most: [afterwards] the last thing that the
	// test names, if it is left out.
	Lasts time.Duration `yaml:"lasts"`

	Alerts []Firing `yaml:"alerts"`
	// World is what a probe answers, or how a unit or VM stands, by its name.
	World map[string]Timeline `yaml:"world"`
	// Dependants are the units that a restart or stop of a unit takes along, Busiest
	// the unit that uses the processors most.
	Dependants map[string][]string `yaml:"dependants"`
	Busiest    string              `yaml:"busiest"`
	// Images are the images that a VM can go back to, and how far each is proved.
	Images map[string]string `yaml:"images"`
	// Steps is what comes of a step, by its words: restart nginx.service.
	Steps  map[string]Deeds `yaml:"steps"`
	People []Request        `yaml:"people"`
	// Expect is each incident, in the order in which they open; none if it is empty.
	Expect []Expected `yaml:"expect"`
}

// Firing is an alert that fires from one time until another, or to the end.
type Firing struct {
	At     Moment            `yaml:"at"`
	Until  *Moment           `yaml:"until"`
	Labels map[string]string `yaml:"labels"`
}

// Request is what a person does.
type Request struct {
	At   Moment `yaml:"at"`
	Does string `yaml:"does"`
	Who  string `yaml:"who"`
	// Playbook says which incident is meant, where it is not the newest, or what is
	// started; Target about what.
	Playbook   string           `yaml:"playbook"`
	Target     remediate.Target `yaml:"target"`
	Checkpoint string           `yaml:"checkpoint"`
	// For is how long a freeze lasts.
	For time.Duration `yaml:"for"`
	// Refused is a part of the words with which the agent is to refuse it.
	Refused string `yaml:"refused"`
}

// deed is what comes of a step, as the file says it.
type deed struct {
	Result remediate.Result `yaml:"result"`
	Detail string           `yaml:"detail"`
	Takes  time.Duration    `yaml:"takes"`
	// Refused is why nothing was done; Doubt whether nobody can tell.
	Refused string `yaml:"refused"`
	Doubt   bool   `yaml:"doubt"`
	// Then is how things are once it is done.
	Then map[string]State `yaml:"then"`
}

// Deeds is what comes of the same step each time; the last one goes on.
type Deeds []deed

// Expected is what an incident is expected to be; what is left out may be anything.
type Expected struct {
	Playbook string  `yaml:"playbook"`
	Target   string  `yaml:"target"`
	Opened   *Moment `yaml:"opened"`
	// Ladder is the rungs of its first plan.
	Ladder []string `yaml:"ladder"`
	// Verdicts are the gates' answers, each with its reason, as they change.
	Verdicts []string `yaml:"verdicts"`
	// Steps are those that were begun, Rungs those that were climbed, and what
	// came of each.
	Steps []string `yaml:"steps"`
	Rungs []Climb  `yaml:"rungs"`
	// Escalated is why people got it, if they did.
	Escalated remediate.Reason `yaml:"escalated"`
	// Outcome is its last state, and Reason why.
	Outcome remediate.State  `yaml:"outcome"`
	Reason  remediate.Reason `yaml:"reason"`
	// Ended is when that was, since the beginning; Within how long after it opened
	// at most.
	Ended  *Moment       `yaml:"ended"`
	Within time.Duration `yaml:"within"`
}

// Climb is a rung, and what its verification came to.
type Climb struct {
	Rung    string
	Outcome remediate.Outcome
}

// Timeline is how something is over time. Before its first moment it is as it
// usually is.
type Timeline []Change

// Change is how something is from a moment on.
type Change struct {
	At Moment
	State
}

// State is a word for how something is, and what is seen of it.
type State struct {
	Word   string
	Detail string
}

// Moment is a time since the beginning.
type Moment time.Duration

// Date is a moment of the wall clock.
type Date struct{ time.Time }

// afterwards is how long a test goes on after the last thing that it names.
const afterwards = time.Hour

// length is how long a test lasts.
func (t Test) length() time.Duration {
	if t.Lasts > 0 {
		return t.Lasts
	}
	var last time.Duration
	see := func(at Moment) { last = max(last, time.Duration(at)) }
	for _, a := range t.Alerts {
		see(a.At)
		if a.Until != nil {
			see(*a.Until)
		}
	}
	for _, p := range t.People {
		see(p.At)
	}
	for _, changes := range t.World {
		for _, c := range changes {
			see(c.At)
		}
	}
	return last + afterwards
}
