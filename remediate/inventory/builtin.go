package inventory

import (
	"embed"
	"fmt"
	"slices"
)

// builtins are the inventories of RAVE, the first site: of the virtual machine
// itself, and of the machine that runs it under QEMU.
//
//go:embed rave.yaml rave-host.yaml
var builtins embed.FS

// builtinNames are the names that can stand behind "builtin:".
var builtinNames = []string{"rave", "rave-host"}

// Builtin is the text of an inventory that is part of the program.
func Builtin(name string) ([]byte, error) {
	if !slices.Contains(builtinNames, name) {
		return nil, fmt.Errorf("cannot find the built-in inventory %s: expected builtin:rave or builtin:rave-host", quote(name))
	}
	return builtins.ReadFile(name + ".yaml")
}
