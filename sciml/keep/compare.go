package keep

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// differs says in words what h was made from that want is not, or "".
func (h header) differs(want header) string {
	if text := differentOptions(h.Options, want.Options); text != "" {
		return text
	}
	return h.Code.differ(want.Code)
}

// differentOptions names the first option that is not the same.
func differentOptions(was, is []string) string {
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(was):
			return "options changed (now " + is[i] + ")"
		case i >= len(is):
			return "options changed (no longer " + was[i] + ")"
		case was[i] != is[i]:
			return "options changed (" + was[i] + ", now " + is[i] + ")"
		}
	}
	return ""
}

// describe writes v as lines "path = value", equal for equal values only. It
// follows pointers and sorts maps. Functions and channels are refused: two
// closures of the same code can do different things.
func describe(v any) ([]string, error) {
	var d description
	if err := d.add("options", reflect.ValueOf(v), 0); err != nil {
		return nil, err
	}
	return d.lines, nil
}

type description struct{ lines []string }

func (d *description) put(path, format string, args ...any) {
	d.lines = append(d.lines, strings.TrimPrefix(path, "options.")+" = "+fmt.Sprintf(format, args...))
}

func (d *description) add(path string, v reflect.Value, depth int) error {
	if depth > 100 {
		return fmt.Errorf("%s is nested more than 100 deep; a pointer seems to lead back to itself", path)
	}
	switch v.Kind() {
	case reflect.Invalid:
		d.put(path, "nil")
	case reflect.Bool:
		d.put(path, "%t", v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.put(path, "%d", v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.put(path, "%d", v.Uint())
	case reflect.Float32, reflect.Float64:
		d.put(path, "%s", float(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		d.put(path, "%s %si", float(real(v.Complex())), float(imag(v.Complex())))
	case reflect.String:
		d.put(path, "%q", v.String())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			d.put(path, "nil")
			return nil
		}
		if v.Kind() == reflect.Interface {
			d.put(path, "a %s", v.Elem().Type())
		}
		return d.add(path, v.Elem(), depth+1)
	case reflect.Struct:
		d.put(path, "%s{%d}", v.Type(), v.NumField())
		for i := range v.NumField() {
			if err := d.add(path+"."+v.Type().Field(i).Name, v.Field(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		return d.list(path, v, depth)
	case reflect.Map:
		return d.table(path, v, depth)
	case reflect.Func:
		if v.IsNil() {
			d.put(path, "nil")
			return nil
		}
		return fmt.Errorf("%s is a func, and functions cannot be compared; leave it out of the options (the code that make reaches is compared anyway), or give its name or parameters instead", path)
	default:
		return fmt.Errorf("%s is a %s, which cannot be compared; leave it out of the options", path, v.Type())
	}
	return nil
}

// list writes long lists as a hash: options are kept with every value.
func (d *description) list(path string, v reflect.Value, depth int) error {
	inner := &description{}
	for i := range v.Len() {
		if err := inner.add(fmt.Sprintf("%s[%d]", path, i), v.Index(i), depth+1); err != nil {
			return err
		}
	}
	d.put(path, "%s of %d", v.Type(), v.Len())
	if len(inner.lines) <= 32 {
		d.lines = append(d.lines, inner.lines...)
		return nil
	}
	d.put(path, "values %s", hash(strings.Join(inner.lines, "\n")))
	return nil
}

func (d *description) table(path string, v reflect.Value, depth int) error {
	type item struct {
		key   string
		lines []string
	}
	var items []item
	for iter := v.MapRange(); iter.Next(); {
		var key, value description
		if err := key.add("key", iter.Key(), depth+1); err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.Join(key.lines, " "), "key = ")
		if err := value.add(path+"["+name+"]", iter.Value(), depth+1); err != nil {
			return err
		}
		items = append(items, item{name, value.lines})
	}
	sort.Slice(items, func(i, j int) bool { return items[i].key < items[j].key })
	d.put(path, "%s of %d", v.Type(), v.Len())
	for _, it := range items {
		d.lines = append(d.lines, it.lines...)
	}
	return nil
}

// float writes the shortest text that gives the same bits.
func float(f float64) string {
	if math.IsNaN(f) {
		return fmt.Sprintf("NaN %x", math.Float64bits(f))
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

var (
	gobEncoder      = reflect.TypeFor[interface{ GobEncode() ([]byte, error) }]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// encodable refuses types of which gob would lose a part without a word.
func encodable(t reflect.Type) error { return encodableAt(t.String(), t, map[reflect.Type]bool{}) }

func encodableAt(path string, t reflect.Type, seen map[reflect.Type]bool) error {
	for _, own := range []reflect.Type{gobEncoder, binaryMarshaler} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return nil
		}
	}
	if seen[t] {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Uintptr:
		return fmt.Errorf("%s is a %s, which cannot be written to a file; keep the data it was made from instead", path, t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return encodableAt(path, t.Elem(), seen)
	case reflect.Map:
		if err := encodableAt(path+" (key)", t.Key(), seen); err != nil {
			return err
		}
		return encodableAt(path, t.Elem(), seen)
	case reflect.Struct:
		if t.NumField() == 0 {
			return fmt.Errorf("%s has no fields", path)
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				return fmt.Errorf("field %s of %s is unexported and would be lost; give it a capital letter, or give %s a GobEncode and a GobDecode method", f.Name, path, path)
			}
			if err := encodableAt(path+"."+f.Name, f.Type, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
