package playbooks

import (
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// recipe is a playbook as its YAML has it. The order of the fields is that in which
// they are written.
type recipe struct {
	Name     string             `yaml:"name"`
	Match    []string           `yaml:"match,orone"`
	Target   aim                `yaml:"target"`
	Look     []glance           `yaml:"look"`
	Ladder   []stage            `yaml:"ladder"`
	Verify   proof              `yaml:"verify"`
	Attempts budget             `yaml:"attempts"`
	Deadline time.Duration      `yaml:"deadline"`
	Autonomy remediate.Autonomy `yaml:"autonomy"`
}

// aim is a target: host, asked, or a unit or VM by its name or by a label.
type aim struct{ remediate.TargetRule }

// glance is a piece of evidence: a word, or {word: how many}, or {word: of what}.
type glance struct{ remediate.Look }

// stage is a rung.
type stage struct {
	Rung     string             `yaml:"rung"`
	Do       []deed             `yaml:"do,orone"`
	Autonomy remediate.Autonomy `yaml:"autonomy"`
}

// deed is a step: {verb: what it is done to}, with what else the verb needs.
type deed struct{ remediate.Move }

// proof is a verification.
type proof struct {
	Healthy []string      `yaml:"healthy,orone"`
	Settle  time.Duration `yaml:"settle"`
	Window  time.Duration `yaml:"window"`
	Within  time.Duration `yaml:"within"`
	Every   time.Duration `yaml:"every"`
}

// budget bounds the attempts.
type budget struct {
	Max      int           `yaml:"max"`
	Per      time.Duration `yaml:"per"`
	Cooldown time.Duration `yaml:"cooldown"`
}

// playbook is what the recipe says, once its matchers are read.
func (r recipe) playbook(match alerts.Matchers) remediate.Playbook {
	p := remediate.Playbook{
		Name: r.Name, Match: match, Target: r.Target.TargetRule,
		Verify: remediate.Verify(r.Verify), Attempts: remediate.Attempts(r.Attempts),
		Deadline: r.Deadline, Autonomy: r.Autonomy,
	}
	for _, l := range r.Look {
		p.Look = append(p.Look, l.Look)
	}
	for _, s := range r.Ladder {
		rung := remediate.Rung{Name: s.Rung, Autonomy: s.Autonomy}
		for _, d := range s.Do {
			rung.Do = append(rung.Do, d.Move)
		}
		p.Ladder = append(p.Ladder, rung)
	}
	return p
}
