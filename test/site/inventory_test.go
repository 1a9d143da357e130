package site

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/test/world"
)

func TestAFactorOfOneIsTheShippedInventory(t *testing.T) {
	shipped, err := inventory.Builtin("rave")
	if err != nil {
		t.Fatal(err)
	}
	text, err := Inventory(1)
	if err != nil || !bytes.Equal(text, shipped) {
		t.Errorf("got %s (%v), want what ships", text, err)
	}
}

func TestAFactorDividesTheAgentsDurationsAndNothingElse(t *testing.T) {
	text, err := Inventory(20)
	if err != nil {
		t.Fatal(err)
	}
	file, err := inventory.Parse("divided.yaml", text, inventory.Options{Playbooks: playbooks.Names()})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := inventory.Load("builtin:rave", inventory.Options{Playbooks: playbooks.Names()})
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Playbooks) != len(whole.Playbooks) || len(file.Units) != len(whole.Units) || len(file.Probes) != len(whole.Probes) {
		t.Errorf("the divided inventory has %d playbooks, %d units and %d probes, want those of the whole", len(file.Playbooks), len(file.Units), len(file.Probes))
	}
	if *file.Host.Memory != *whole.Host.Memory {
		t.Errorf("memory is %+v, want %+v", *file.Host.Memory, *whole.Host.Memory)
	}
	for _, p := range file.Playbooks {
		v, cooldown := p.Verify, p.Attempts.Cooldown
		if v.Settle != leastSettle || v.Window != leastWindow || v.Every != leastEvery || cooldown != 30*time.Second {
			t.Errorf("%s verifies by %+v and rests for %s", p.Name, v, cooldown)
		}
	}
}

func TestWhatFitsIsDividedByTheWholeFactor(t *testing.T) {
	if got := divided(time.Minute, 4, leastWindow); got != "15s" {
		t.Errorf("a quarter of a minute is %s, want 15s", got)
	}
	if got := divided(5*time.Minute, 40, 0); got != "7s500ms" {
		t.Errorf("a fortieth of 5 minutes is %s, want 7s500ms", got)
	}
}

func TestThePeopleOfTheVMHostAreInItsInventory(t *testing.T) {
	anna := Person{Name: "anna", Key: "UAGOCSVT5UK5PQ5CZ5LXCYA6OYV5OFVH6VXCJVK2JYQ7Y6LGKQXIRKHH", Approves: remediate.Rollback}
	text, err := VMHostInventory(10, 0, anna)
	if err != nil {
		t.Fatal(err)
	}
	if want := "anna: {key: " + anna.Key + ", approves: rollback}"; !bytes.Contains(text, []byte(want)) {
		t.Errorf("the inventory has no %s:\n%s", want, text)
	}
}

func TestTheVMHostsInventoryIsTheShippedOneButForTLSAndWhatIsDoneAlone(t *testing.T) {
	whole, err := inventory.Load("builtin:rave-host", inventory.Options{Playbooks: playbooks.Names()})
	if err != nil {
		t.Fatal(err)
	}
	for factor, boots := range map[int]time.Duration{1: 2 * time.Minute, 10: leastBoots} {
		text, err := VMHostInventory(factor, 0)
		if err != nil {
			t.Fatal(err)
		}
		file, err := inventory.Parse("vmhost.yaml", text, inventory.Options{Playbooks: playbooks.Names()})
		if err != nil {
			t.Fatal(err)
		}
		want := whole.VMs["rave"]
		want.Auto, want.BootsWithin = remediate.Reset, boots
		if diff := cmp.Diff(want, file.VMs["rave"]); diff != "" {
			t.Errorf("with a factor of %d the machine is another than wanted: %s", factor, diff)
		}
		if got := file.Probes["vm-port"].HTTP; got == nil || got.URL != world.VMEndpoint || !slices.Equal(got.Expect, []int{200}) {
			t.Errorf("with a factor of %d the port is asked by %+v", factor, got)
		}
	}
}
