package site

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
)

// The least that the agent's windows are divided to: a service must have time to
// start, and some probes must fit in.
const (
	leastSettle = time.Second
	leastWindow = 4 * time.Second
	leastEvery  = 500 * time.Millisecond
)

// Inventory is the agent's shipped inventory of RAVE with the same factor applied
// to it that divides the site's own durations. A factor of 1 returns it as it is,
// to the byte.
func Inventory(factor int) ([]byte, error) {
	text, err := inventory.Builtin("rave")
	if err != nil || factor <= 1 {
		return text, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("cannot divide the inventory's durations: %w", err)
	}
	root := document.Content[0]
	if err := dividePeriods(entry(root, "probes"), factor); err != nil {
		return nil, err
	}
	for _, playbook := range entry(root, "playbooks").Content {
		quicken(playbook, factor)
	}
	return yaml.Marshal(&document)
}

// dividePeriods divides the time over which a counter is looked at.
func dividePeriods(probes *yaml.Node, factor int) error {
	for n := 1; n < len(probes.Content); n += 2 {
		per := entry(probes.Content[n], "per")
		if per == nil {
			continue
		}
		d, err := model.ParseDuration(per.Value)
		if err != nil {
			return fmt.Errorf("cannot divide the inventory's line %d: %w", per.Line, err)
		}
		per.Value = divided(time.Duration(d), factor, 0)
	}
	return nil
}

// quicken gives a playbook the divided figures of what it says by default.
func quicken(playbook *yaml.Node, factor int) {
	set(playbook, "verify",
		"settle", divided(remediate.DefaultSettle, factor, leastSettle),
		"window", divided(remediate.DefaultWindow, factor, leastWindow),
		"every", leastEvery.String())
	set(playbook, "attempts", "cooldown", divided(remediate.DefaultCooldown, factor, 0))
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
func set(mapping *yaml.Node, key string, pairs ...string) {
	value := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, text := range pairs {
		value.Content = append(value.Content, scalar(text))
	}
	mapping.Content = append(mapping.Content, scalar(key), value)
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
