package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

// durationKeys are the settings of Prometheus and Alertmanager that are
// divided by the factor. Thresholds are not: "more than 10 errors in 5
// minutes" becomes more than 10 in 10 seconds.
var durationKeys = []string{
	"for", "keep_firing_for", "interval", "scrape_interval", "evaluation_interval",
	"group_wait", "group_interval", "repeat_interval", "resolve_timeout",
}

// divideYAML divides every duration of a Prometheus or Alertmanager file:
// settings by name, and in expressions the ranges and offsets. A factor of 1
// returns the text as it is, to the byte.
func divideYAML(text []byte, factor int) ([]byte, error) {
	if factor == 1 {
		return text, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("cannot divide durations: %w", err)
	}
	if err := divideNode(&document, factor); err != nil {
		return nil, err
	}
	return yaml.Marshal(&document)
}

func divideNode(node *yaml.Node, factor int) error {
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := divideEntry(node.Content[i].Value, node.Content[i+1], factor); err != nil {
				return err
			}
		}
	}
	for _, child := range node.Content {
		if err := divideNode(child, factor); err != nil {
			return err
		}
	}
	return nil
}

func divideEntry(key string, value *yaml.Node, factor int) (err error) {
	switch {
	case value.Kind != yaml.ScalarNode:
		return nil
	case key == "expr":
		value.Value, err = divideExpression(value.Value, factor)
	case slices.Contains(durationKeys, key):
		value.Value, err = divideDuration(value.Value, factor)
	}
	if err != nil {
		return fmt.Errorf("cannot divide line %d, %s: %w", value.Line, key, err)
	}
	return nil
}

// divideDuration divides a duration in Prometheus' notation, "1h30m", to the
// millisecond, which is its finest unit. What is not zero stays so.
func divideDuration(text string, factor int) (string, error) {
	d, err := model.ParseDuration(text)
	if err != nil {
		return "", err
	}
	divided := (time.Duration(d) / time.Duration(factor)).Round(time.Millisecond)
	if d > 0 {
		divided = max(divided, time.Millisecond)
	}
	return model.Duration(divided).String(), nil
}

// divideExpression divides the durations of a PromQL expression: those in
// brackets (a range, or a subquery's range and step) and after "offset". Text
// in quotes and comments is left alone.
func divideExpression(expression string, factor int) (string, error) {
	var out strings.Builder
	for rest := expression; rest != ""; {
		n := 1
		switch word := leadingWord(rest); {
		case strings.ContainsRune("\"'`", rune(rest[0])):
			n = quotedLength(rest)
		case rest[0] == '#':
			n = lineLength(rest)
		case rest[0] == '[':
			n = strings.IndexByte(rest, ']') + 1
			inner, err := divideRange(rest[1:max(n-1, 1)], factor)
			if err != nil || n == 0 {
				return "", fmt.Errorf("cannot understand the range %q: %w", rest, err)
			}
			out.WriteString("[" + inner + "]")
			rest = rest[n:]
			continue
		case strings.EqualFold(word, "offset"):
			divided, length, err := divideOffset(rest, factor)
			if err != nil {
				return "", err
			}
			out.WriteString(divided)
			rest = rest[length:]
			continue
		case word != "":
			n = len(word)
		}
		out.WriteString(rest[:n])
		rest = rest[n:]
	}
	return out.String(), nil
}

// divideRange divides "5m", or a subquery's "30m:1m" or "30m:".
func divideRange(text string, factor int) (string, error) {
	parts := strings.Split(text, ":")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" && i > 0 {
			continue // the default step
		}
		divided, err := divideDuration(part, factor)
		if err != nil {
			return "", err
		}
		parts[i] = divided
	}
	return strings.Join(parts, ":"), nil
}

// divideOffset divides the "offset 5m" or "offset -5m" that text begins with,
// and says how long it is.
func divideOffset(text string, factor int) (divided string, length int, err error) {
	after := strings.TrimLeft(text[len("offset"):], " \t\n")
	sign := ""
	if strings.HasPrefix(after, "-") {
		sign, after = "-", strings.TrimLeft(after[1:], " \t\n")
	}
	duration := leadingWord(after)
	divided, err = divideDuration(duration, factor)
	if err != nil {
		return "", 0, fmt.Errorf("cannot understand the offset %q: %w", text, err)
	}
	return "offset " + sign + divided, len(text) - len(after) + len(duration), nil
}

// leadingWord is the identifier, keyword or number that text begins with.
func leadingWord(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '_' && r != ':' && r != '.'
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// quotedLength is the length of the quoted string that text begins with. Only
// backquotes know no escapes.
func quotedLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] != '`':
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}

func lineLength(text string) int {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}
