package qemu_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/qemu"
)

// proving is a VM with a unit for proofs, whose probe says what the test says.
func proving(t *testing.T, health remediate.Health) (*site, *remediate.Image) {
	s := newSite(t, func(o *qemu.Options) {
		o.BootsWithin = time.Second
		o.Proof = &qemu.Proof{Unit: proof, QMP: o.QMP, Healthy: []string{"proof-port"}, Window: 300 * time.Millisecond}
		o.Probe = func(_ context.Context, name string) remediate.Observation {
			return remediate.Observation{Probe: name, Health: health, Detail: "as the test says"}
		}
	})
	s.start()
	s.do(remediate.VerbCheckpoint, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	return s, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"})
}

// wantNoProof is a site on which nothing of a proof stayed behind.
func (s *site) wantNoProof() {
	s.t.Helper()
	if state, _ := s.keeper.State(s.ctx(), proof); state.Active {
		s.t.Error("the proof still runs")
	}
	if left, _ := os.ReadDir(s.path("live/proof")); len(left) > 0 {
		s.t.Errorf("live/proof has %v", left)
	}
}

func TestACheckpointIsProvedBesideTheVMThatRuns(t *testing.T) {
	s, _ := proving(t, remediate.Healthy)
	for _, name := range []string{"pre-update", "good"} {
		image := s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: name})
		if image.Grade != remediate.Unproved {
			t.Errorf("%s is %q already", name, image.Grade)
		}
		s.do(remediate.VerbProve, image)
		if got := s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: name}).Grade; got != remediate.BootProved {
			t.Errorf("%s is %q", name, got)
		}
		s.wantNoProof()
	}
	if got := s.source(remediate.LastKnownGood, nil).Grade; got != remediate.BootProved {
		t.Errorf("the last-known-good is %q", got)
	}
	s.do(remediate.VerbPromote, s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}))
	if got := s.source(remediate.LastKnownGood, nil).Grade; got != remediate.BootProved {
		t.Errorf("the promoted one is %q", got)
	}
}

func TestACheckpointThatIsNotHealthyIsNotProved(t *testing.T) {
	s, image := proving(t, remediate.Unhealthy)
	r, err := s.try(remediate.VerbProve, image)
	s.must(err)
	if r.Result != remediate.Failed || !strings.Contains(r.Detail, "proof-port: as the test says") {
		t.Errorf("receipt: %+v", r)
	}
	if got := s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}).Grade; got != remediate.Unproved {
		t.Errorf("it is %q", got)
	}
	s.wantNoProof()
}

func TestACopyThatEndsIsNotWaitedFor(t *testing.T) {
	var s *site
	s = newSite(t, func(o *qemu.Options) {
		o.BootsWithin = time.Hour
		o.Proof = &qemu.Proof{Unit: proof, QMP: o.QMP, Healthy: []string{"proof-port"}}
		o.Probe = func(_ context.Context, name string) remediate.Observation {
			s.keeper.Kill(proof)
			return remediate.Observation{Probe: name, Health: remediate.Unhealthy}
		}
	})
	r, err := s.try(remediate.VerbProve, s.source(remediate.LastKnownGood, nil))
	s.must(err)
	if r.Result != remediate.Failed || !strings.Contains(r.Detail, proof+" has ended: exit-code") {
		t.Errorf("receipt: %+v", r)
	}
	s.wantNoProof()
}

func TestAKilledProofIsEndedAndDoneAgain(t *testing.T) {
	for _, point := range []string{"prove.made", "prove.started"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s, image := proving(t, remediate.Healthy)
			before, killed := s.killedAt(point, 1, remediate.VerbProve, image)
			if !killed {
				t.Fatalf("it never came to %s", point)
			}
			s.forward(remediate.VerbProve, image, before)
			s.wantNoProof()
		})
	}
}

// A grade is bound to a digest and believed only of this agent or root: whoever can
// write below live/, as QEMU's user can, makes nothing boot-proved.
func TestAForgedGradeIsNotBelieved(t *testing.T) {
	s := newSite(t)
	image := s.source(remediate.LastKnownGood, nil)
	forged := `{"` + image.Digest + `":{"grade":"boot-proved","at":"2026-11-23T15:45:00Z"}}`
	s.must(os.WriteFile(s.path("live/grades.json"), []byte(forged), 0o640))
	if got := s.source(remediate.LastKnownGood, nil).Grade; got != remediate.BootProved {
		t.Fatalf("root's is %q: this test could not fail", got)
	}
	s.must(os.Chown(s.path("live/grades.json"), 4711, 4711))
	if got := s.source(remediate.LastKnownGood, nil).Grade; got != remediate.Unproved {
		t.Errorf("it is %q", got)
	}
}

func TestACheckpointOfAVMThatWasHealthyIsGradedSo(t *testing.T) {
	for lasted, want := range map[time.Duration]remediate.Grade{
		remediate.HealthyFor: remediate.WasHealthy, remediate.HealthyFor - 1: remediate.Unproved,
	} {
		s := newSite(t, func(o *qemu.Options) { o.HealthyFor = func() time.Duration { return lasted } })
		s.do(remediate.VerbCheckpoint, &remediate.Image{Name: "pre-update"})
		if got := s.source(remediate.WasAsked, &remediate.Asked{Checkpoint: "pre-update"}).Grade; got != want {
			t.Errorf("after %v it is %q", lasted, got)
		}
	}
}

func TestTheVMDoesNotWaitForAProof(t *testing.T) {
	var s *site
	var down sync.Once
	s = newSite(t, func(o *qemu.Options) {
		o.BootsWithin = 10 * time.Second
		o.Proof = &qemu.Proof{Unit: proof, QMP: o.QMP, Healthy: []string{"proof-port"}, Window: 100 * time.Millisecond}
		o.Probe = func(_ context.Context, name string) remediate.Observation {
			down.Do(func() { s.do(remediate.VerbPowerDown, nil) })
			return remediate.Observation{Probe: name, Health: remediate.Healthy}
		}
	})
	s.start()
	s.do(remediate.VerbProve, s.source(remediate.LastKnownGood, nil))
	if state, _ := s.keeper.State(s.ctx(), unit); state.Active {
		t.Error("the VM was not powered down while a proof ran")
	}
	s.wantNoProof()
}
