package inventory

import (
	_ "embed"
	"fmt"
)

// rave is the inventory of RAVE, the first site.
//
//go:embed rave.yaml
var rave []byte

// Builtin is the text of an inventory that is part of the program: rave.
func Builtin(name string) ([]byte, error) {
	if name != "rave" {
		return nil, fmt.Errorf("cannot find the built-in inventory %s: the only one is builtin:rave", quote(name))
	}
	return rave, nil
}
