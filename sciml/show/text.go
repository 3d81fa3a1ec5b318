package show

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	most      = 10_000 // letters of a text
	mostItems = 100    // elements of a list
	mostRows  = 20     // rows of a matrix
	deepest   = 8      // levels of values within values
)

// Text is a value as Value shows it. It takes any value, also one whose own method panics or one that leads back to itself.
func Text(v any) string {
	var w writer
	w.value(reflect.ValueOf(v), 0)
	text := w.b.String()
	if len(text) > most {
		cut := most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = fmt.Sprintf("%s… (%d bytes in all)", text[:cut], len(text))
	}
	return text
}

type writer struct{ b strings.Builder }

func (w *writer) full() bool { return w.b.Len() > most }

func (w *writer) value(v reflect.Value, depth int) {
	if w.full() {
		return
	}
	if !v.IsValid() {
		w.b.WriteString("nil")
		return
	}
	if text, ok := own(v); ok {
		w.b.WriteString(text)
		return
	}
	if depth > deepest {
		w.b.WriteString("…")
		return
	}
	if text, ok := rows(v, depth); ok {
		w.b.WriteString(text)
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.b.WriteString(strconv.Quote(v.String()))
	case reflect.Float64, reflect.Float32:
		w.b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	case reflect.Complex128, reflect.Complex64:
		w.b.WriteString(strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits()))
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			w.b.WriteString("nil")
			return
		}
		element := v.Type().Elem().Kind()
		w.list(v.Len(), depth == 0 && (element == reflect.Slice || element == reflect.Array), func(i int) { w.value(v.Index(i), depth+1) })
	case reflect.Map:
		w.table(v, depth)
	case reflect.Struct:
		w.fields(v, depth)
	case reflect.Interface:
		w.value(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			w.b.WriteString("nil")
			return
		}
		w.b.WriteString("&")
		w.value(v.Elem(), depth+1)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.b.WriteString(v.Type().String())
		if v.IsNil() {
			w.b.WriteString("(nil)")
		}
	default:
		fmt.Fprint(&w.b, printable(v))
	}
}

// printable is a value of a basic kind, also of a field that is not exported.
func printable(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	}
	return v.String()
}

// own is the text that a value has for itself, as an error or by a method String.
func own(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() || isNil(v.Interface()) {
		return "", false
	}
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	switch x := v.Interface().(type) {
	case error:
		return x.Error(), true
	case fmt.Stringer:
		return x.String(), true
	}
	return "", false
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return !r.IsValid()
}

// list writes a number of elements in one line, or in one for each.
func (w *writer) list(n int, inRows bool, element func(i int)) {
	limit, between := mostItems, " "
	if inRows {
		limit, between = mostRows, "\n "
	}
	w.b.WriteString("[")
	for i := range n {
		if i > 0 {
			w.b.WriteString(between)
		}
		if i == limit || w.full() {
			fmt.Fprintf(&w.b, "… %d in all", n)
			break
		}
		element(i)
	}
	w.b.WriteString("]")
}

// rows are the text of what can be asked for its elements as gonum's matrices can.
func rows(v reflect.Value, depth int) (text string, ok bool) {
	if !v.CanInterface() || isNil(v.Interface()) {
		return "", false
	}
	matrix, ok := v.Interface().(interface {
		Dims() (rows, columns int)
		At(i, j int) float64
	})
	if !ok {
		return "", false
	}
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	var w writer
	n, m := matrix.Dims()
	w.list(n, depth == 0, func(i int) {
		w.list(m, false, func(j int) { w.value(reflect.ValueOf(matrix.At(i, j)), depth+2) })
	})
	return w.b.String(), true
}

func (w *writer) table(v reflect.Value, depth int) {
	if v.IsNil() {
		w.b.WriteString("nil")
		return
	}
	keys := sortedKeys(v)
	w.b.WriteString("map[")
	for i, key := range keys {
		if i > 0 {
			w.b.WriteString(" ")
		}
		if i == mostItems || w.full() {
			fmt.Fprintf(&w.b, "… %d in all", len(keys))
			break
		}
		w.value(key, depth+1)
		w.b.WriteString(":")
		if element := v.MapIndex(key); element.IsValid() {
			w.value(element, depth+1)
		} else { // the key is NaN, which nothing equals
			w.b.WriteString("?")
		}
	}
	w.b.WriteString("]")
}

func (w *writer) fields(v reflect.Value, depth int) {
	w.b.WriteString("{")
	for i := range v.NumField() {
		if i > 0 {
			w.b.WriteString(" ")
		}
		w.b.WriteString(v.Type().Field(i).Name + ":")
		w.value(v.Field(i), depth+1)
	}
	w.b.WriteString("}")
}
