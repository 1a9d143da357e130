package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nkeys"

	"nightshift/remediate/oncall"
)

// Person is somebody on call with a key of their own, which they made themselves:
// its seed lies where only the test has it.
type Person struct {
	Name string
	// Approves is the greatest risk that they may approve.
	Approves string
	// Seed is the file with their seed, on the machine of the tests.
	Seed string

	public string
}

// NewPerson makes a person and their key.
func NewPerson(t *testing.T, name, approves string) Person {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	p := Person{Name: name, Approves: approves, Seed: filepath.Join(t.TempDir(), name+".nk"), public: public}
	if err := os.WriteFile(p.Seed, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// line is the person's in an inventory.
func (p Person) line() string {
	return fmt.Sprintf("%s: {key: %s, approves: %s}", p.Name, p.public, p.Approves)
}

// SayAs says a verb as a person, from the machine of the tests, and returns what the
// agent answers.
func (a *Agent) SayAs(p Person, verb string, r oncall.Request) (oncall.Reply, error) {
	a.t.Helper()
	client, err := oncall.Connect("nats://"+a.Stage.people, p.Name, Host, p.Seed)
	if err != nil {
		return oncall.Reply{}, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(a.t.Context(), askWithin)
	defer cancel()
	return client.Do(ctx, verb, r)
}
