package site

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
	"nightshift/test/world"
)

// The least that the agent's windows are divided to: a service must have time to
// start, and some probes must fit in.
const (
	leastSettle = time.Second
	leastWindow = 4 * time.Second
	leastEvery  = 500 * time.Millisecond
	// QEMU takes a connection that a guest which boots does not answer.
	leastTimeout = time.Second
	// leastBoots is some five times what the guest needs to boot without KVM on a
	// machine that does nothing else.
	leastBoots = 15 * time.Second
)

// Inventory is the agent's shipped inventory of RAVE with the same factor applied
// to it that divides the site's own durations. A factor of 1 returns it as it is,
// to the byte.
func Inventory(factor int) ([]byte, error) {
	text, err := inventory.Builtin("rave")
	if err != nil {
		return nil, err
	}
	return quickened(text, factor)
}

func quickened(text []byte, factor int) ([]byte, error) {
	if factor <= 1 {
		return text, nil
	}
	return edited(text, func(root *yaml.Node) error {
		for _, playbook := range entry(root, "playbooks").Content {
			quicken(playbook, factor)
		}
		enlarge(root)
		return dividePeriods(entry(root, "probes"), factor)
	})
}

// With is an inventory with more: probes take the place of those of the same name,
// units and playbooks are added where they are not there.
func With(text, more []byte) ([]byte, error) {
	if len(more) == 0 {
		return text, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(more, &document); err != nil {
		return nil, fmt.Errorf("cannot read what the site has of its own: %w", err)
	}
	return edited(text, func(root *yaml.Node) error {
		complete(root, document.Content[0])
		return nil
	})
}

// complete adds to an inventory.
func complete(root, add *yaml.Node) {
	for probes, n := entry(add, "probes"), 0; n < len(probes.Content); n += 2 {
		replace(entry(root, "probes"), probes.Content[n], probes.Content[n+1])
	}
	for units, n := entry(add, "units"), 0; n < len(units.Content); n += 2 {
		if all := entry(root, "units"); entry(all, units.Content[n].Value) == nil {
			all.Content = append(all.Content, units.Content[n:n+2]...)
		}
	}
	all := entry(root, "playbooks")
	for _, playbook := range entry(add, "playbooks").Content {
		name := entry(playbook, "name").Value
		if !slices.ContainsFunc(all.Content, func(p *yaml.Node) bool { return entry(p, "name").Value == name }) {
			all.Content = append(all.Content, playbook)
		}
	}
}

// replace puts a value in the place of the one that a mapping has under the key, or
// adds it.
func replace(mapping, key, value *yaml.Node) {
	if old := entry(mapping, key.Value); old != nil {
		*old = *value
		return
	}
	mapping.Content = append(mapping.Content, key, value)
}

// Person is somebody on call: the public half of their key, and the greatest risk
// that they may approve.
type Person struct {
	Name, Key string
	Approves  remediate.Risk
}

// VMHostInventory is the shipped inventory of the machine that runs RAVE under
// QEMU, with the same factor, but that a boot may take so long in any case. The guest
// that stands for RAVE there has no TLS, and the agent may reset and boot it alone:
// only going back waits for a person. Without people, that is the operator.
func VMHostInventory(factor int, boots time.Duration, people ...Person) ([]byte, error) {
	text, err := inventory.Builtin("rave-host")
	if err != nil {
		return nil, err
	}
	return edited(text, func(root *yaml.Node) error {
		for name, url := range map[string]string{"vm-port": world.VMEndpoint, "proof-port": world.ProofEndpoint} {
			*entry(entry(root, "probes"), name) = *mapping("http", url, "expect", "200",
				"timeout", divided(probe.DefaultTimeout, factor, leastTimeout))
		}
		vm := entry(entry(root, "vms"), "rave")
		vm.Content = append(vm.Content, mapping("auto", remediate.Reset.String()).Content...)
		addPeople(root, people)
		if factor <= 1 {
			return nil
		}
		for _, playbook := range entry(root, "playbooks").Content {
			quicken(playbook, factor)
		}
		enlarge(root)
		return divideEntry(vm, "boots_within", factor, max(boots, leastBoots))
	})
}

// addPeople writes down who is on call.
func addPeople(root *yaml.Node, people []Person) {
	if len(people) == 0 {
		return
	}
	list := mapping()
	for _, p := range people {
		list.Content = append(list.Content, scalar(p.Name), mapping("key", p.Key, "approves", p.Approves.String()))
	}
	root.Content = append(root.Content, scalar("people"), list)
}

// edited is a YAML file with a change made to its mapping.
func edited(text []byte, change func(root *yaml.Node) error) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("cannot read the inventory: %w", err)
	}
	if err := change(document.Content[0]); err != nil {
		return nil, err
	}
	return yaml.Marshal(&document)
}

// dividePeriods divides the time over which a counter is looked at.
func dividePeriods(probes *yaml.Node, factor int) error {
	for n := 1; n < len(probes.Content); n += 2 {
		if err := divideEntry(probes.Content[n], "per", factor, 0); err != nil {
			return err
		}
	}
	return nil
}

// divideEntry divides the duration that a mapping has under a key, if it has one.
func divideEntry(mapping *yaml.Node, key string, factor int, least time.Duration) error {
	value := entry(mapping, key)
	if value == nil {
		return nil
	}
	d, err := model.ParseDuration(value.Value)
	if err != nil {
		return fmt.Errorf("cannot divide the inventory's line %d: %w", value.Line, err)
	}
	value.Value = divided(time.Duration(d), factor, least)
	return nil
}

// quicken gives a playbook the divided figures of what it says by default.
func quicken(playbook *yaml.Node, factor int) {
	set(playbook, "verify",
		"settle", divided(remediate.DefaultSettle, factor, leastSettle),
		"window", divided(remediate.DefaultWindow, factor, leastWindow),
		"every", leastEvery.String())
	set(playbook, "attempts", "cooldown", divided(remediate.DefaultCooldown, factor, 0))
	playbook.Content = append(playbook.Content, scalar("keep_level"), scalar("true"))
}

// enlarge lets as much be done in an hour as is done there in a month: the site breaks
// that much faster. Its machines have just been started, too.
func enlarge(root *yaml.Node) {
	set(root, "rates", "touched", "1000/1h", "playbook", "1000/1h", "host", "1000/1h")
	set(root, "breaker", "touched", "100", "playbook", "100")
	set(root, "storm", "targets", "1000")
	root.Content = append(root.Content, scalar("flapping"), scalar("1000/1h"), scalar("startup_grace"), scalar("0s"))
}

// divided is a duration over the factor, as the inventory writes it.
func divided(d time.Duration, factor int, least time.Duration) string {
	return model.Duration(max(d/time.Duration(factor), least).Round(time.Millisecond)).String()
}

// entry is the value of a key of a mapping; nil if it has none.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	for n := 0; n+1 < len(mapping.Content); n += 2 {
		if mapping.Content[n].Value == key {
			return mapping.Content[n+1]
		}
	}
	return nil
}

// set adds a mapping of names and values below a key.
func set(to *yaml.Node, key string, pairs ...string) {
	to.Content = append(to.Content, scalar(key), mapping(pairs...))
}

// mapping is one of names and values, on a line.
func mapping(pairs ...string) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, text := range pairs {
		m.Content = append(m.Content, scalar(text))
	}
	return m
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
