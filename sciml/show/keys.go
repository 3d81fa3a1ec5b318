package show

import (
	"cmp"
	"reflect"
	"slices"
)

// sortedKeys are the keys of a map in an order that does not change.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	texts := make(map[reflect.Value]string, len(keys))
	for _, k := range keys {
		if !k.CanInt() && !k.CanUint() && !k.CanFloat() && k.Kind() != reflect.String {
			var w writer
			w.value(k, 0)
			texts[k] = w.b.String()
		}
	}
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		case a.CanFloat():
			return cmp.Compare(a.Float(), b.Float())
		case a.Kind() == reflect.String:
			return cmp.Compare(a.String(), b.String())
		}
		return cmp.Compare(texts[a], texts[b])
	})
	return keys
}
