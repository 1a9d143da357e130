package simulate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"nightshift/remediate"
)

// root is where the sources of the project are.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Reasons are all reason codes that the core and the gates have: the constants named
// Reason… of their sources, so that a new one must come up in the simulation too.
var Reasons = sync.OnceValues(func() ([]remediate.Reason, error) {
	var all []remediate.Reason
	for _, dir := range []string{"remediate", "remediate/guard"} {
		files, err := filepath.Glob(filepath.Join(root(), dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				return nil, err
			}
			all = append(all, reasonsOf(parsed)...)
		}
	}
	return all, nil
})

// reasonsOf are those of one file.
func reasonsOf(file *ast.File) (all []remediate.Reason) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if !strings.HasPrefix(name.Name, "Reason") || i >= len(spec.Values) {
				continue
			}
			if text, ok := spec.Values[i].(*ast.BasicLit); ok {
				if value, err := strconv.Unquote(text.Value); err == nil {
					all = append(all, remediate.Reason(value))
				}
			}
		}
		return true
	})
	return all
}
