package oncall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/remediate"
)

// Machines is what people may ask to be done with virtual machines.
type Machines interface {
	// Start opens an incident for what is ordered, and returns once that is durable.
	// The proof is the signature that it came with.
	Start(ctx context.Context, by string, o Order, proof *remediate.Proof) (remediate.Incident, error)
	// Foresee says what Start would do now, as JSON; nothing is done.
	Foresee(ctx context.Context, o Order) ([]byte, error)
	// VMs says how each virtual machine of the inventory stands.
	VMs(ctx context.Context) ([]VM, error)
}

// Order is what a person wants to be done, by a playbook of the inventory.
type Order struct {
	Playbook string `json:"playbook"`
	// Target is what it is to be about, where the playbook leaves that to people; none
	// is the host, or the only virtual machine.
	Target remediate.Target `json:"target"`
	// Checkpoint names one: to be made, promoted, proved or gone back to. Where one
	// is needed and none is named, the last known good is meant.
	Checkpoint string `json:"checkpoint,omitzero"`
	// Image is the absolute path of an image to deploy.
	Image string `json:"image,omitzero"`
	// Comment is why, in the person's words.
	Comment string `json:"comment,omitzero"`
}

// Asked is the order as an incident keeps it.
func (o Order) Asked(by string) remediate.Asked {
	return remediate.Asked{By: by, Comment: remediate.Brief(o.Comment), Checkpoint: o.Checkpoint, Image: o.Image}
}

// VM is a virtual machine as people see it.
type VM struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// State is QEMU's own word for its run state, or says why there is none;
	// Health is what that means.
	State  string           `json:"state"`
	Health remediate.Health `json:"health"`
	// Detail is what the run state's probe saw.
	Detail string `json:"detail,omitzero"`
	Disks  []Disk `json:"disks"`
	// LastKnownGood is the name of the checkpoint that a rollback goes back to;
	// empty when there is none, and Lacks says why.
	LastKnownGood string       `json:"lastKnownGood,omitzero"`
	Lacks         string       `json:"lacks,omitzero"`
	Checkpoints   []Checkpoint `json:"checkpoints"`
	// Guest says how the agent inside stands; empty where nobody is inside, or
	// nobody listens.
	Guest string `json:"guest,omitzero"`
	// Problem says what could not be read of it.
	Problem string `json:"problem,omitzero"`
}

// Disk is one disk of a virtual machine.
type Disk struct {
	Name string `json:"name"`
	// Keep is whether it stays as it is when the VM goes back.
	Keep bool `json:"keep,omitzero"`
	// File is what it is on now, where that is known.
	File string `json:"file,omitzero"`
}

// Checkpoint is a state of a VM that one can go back to.
type Checkpoint struct {
	Name  string          `json:"name"`
	Taken time.Time       `json:"taken"`
	Grade remediate.Grade `json:"grade,omitzero"`
	// Promoted is whether it lies where the agent can't write, LastKnownGood
	// whether a rollback goes back to it.
	Promoted      bool `json:"promoted,omitzero"`
	LastKnownGood bool `json:"lastKnownGood,omitzero"`
	// Digest identifies what was recorded of it: SHA-256 in hex.
	Digest string `json:"digest,omitzero"`
	// Wrong says why it can't be used; empty when it can.
	Wrong string `json:"wrong,omitzero"`
}

// start does the verbs start and run.
func (s *Service) start(ctx context.Context, who speaker, r Request) (Reply, error) {
	if r.Order == nil {
		return Reply{}, errors.New("cannot start what is not named: expected order with playbook and target")
	}
	i, err := s.o.Machines.Start(ctx, who.name, *r.Order, who.proof)
	if err != nil {
		return Reply{}, err
	}
	summary := Summarise(&i)
	return Reply{Done: fmt.Sprintf("incident %s is open: %s of %s", i.ID, i.Playbook.Name, i.Target), Incident: &summary}, nil
}

// foresee answers the query of that name.
func (s *Service) foresee(ctx context.Context, body []byte) (any, error) {
	var o Order
	if err := remediate.DecodeStrict(body, &o); err != nil {
		return nil, err
	}
	text, err := s.o.Machines.Foresee(ctx, o)
	return remediate.RawJSON(text), err
}
