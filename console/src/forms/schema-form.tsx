// A form made from the JSON Schema of a tool's arguments. What it has no field for is written as JSON.

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../ui/icons";
import { Field } from "../ui/parts";

export interface ArgumentSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, ArgumentSchema>;
  required?: string[];
  items?: ArgumentSchema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  [more: string]: unknown;
}

interface Properties {
  schema: ArgumentSchema;
  value: unknown;
  /** `undefined` where it is not set. */
  set: (value: unknown) => void;
  /** By JSON Pointer. */
  wrong: Map<string, string>;
}

type Members = Record<string, unknown>;

export function SchemaForm({ schema, value, set, wrong, at = "" }: Properties & { at?: string }) {
  const members: Members = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
  const names = Object.entries(schema.properties ?? {});
  if (names.length === 0 && at === "") return <p class="muted">{t("form.noArguments")}</p>;
  const change = (name: string, next: unknown) => {
    const { [name]: _, ...others } = members;
    set(next === undefined ? others : { ...members, [name]: next });
  };
  return (
    <>
      {names.map(([name, property]) => (
        <Member key={name} name={name} schema={property} required={schema.required?.includes(name) ?? false} value={members[name]} set={(next) => change(name, next)} wrong={wrong} at={`${at}/${name.replace(/~/g, "~0").replace(/\//g, "~1")}`} />
      ))}
    </>
  );
}

function typeOf(schema: ArgumentSchema): string {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter((type) => type !== "null");
  return types.length === 1 && types[0] !== undefined ? types[0] : "";
}

function Member({ name, schema, required, value, set, wrong, at }: Properties & { name: string; required: boolean; at: string }) {
  const type = typeOf(schema);
  const label = schema.title ?? name;
  const hint = schema.description;
  const problem = wrong.get(at);
  if (type === "object" && schema.properties !== undefined) {
    return (
      <fieldset class="fields">
        <legend>{label} {required && <span class="small muted">{t("form.required")}</span>}</legend>
        {hint && <p class="small muted">{hint}</p>}
        {problem !== undefined && <p class="small bad">{problem}</p>}
        <SchemaForm schema={schema} value={value} set={(next) => set(Object.keys(next as Members).length === 0 && !required ? undefined : next)} wrong={wrong} at={at} />
      </fieldset>
    );
  }
  if (type === "array" && schema.items !== undefined && ["string", "number", "integer"].includes(typeOf(schema.items))) {
    return <ListMember name={label} schema={schema} required={required} value={value} set={set} wrong={wrong} at={at} />;
  }
  return (
    <Field label={label} hint={hint} wrong={problem} required={required}>
      {(attributes) => <Value schema={schema} type={type} required={required} value={value} set={set} attributes={attributes} />}
    </Field>
  );
}

type Attributes = { id: string; "aria-describedby": string; "aria-invalid": boolean };

function Value({ schema, type, required, value, set, attributes }: { schema: ArgumentSchema; type: string; required: boolean; value: unknown; set: (value: unknown) => void; attributes: Attributes }) {
  const choices = schema.enum ?? (type === "boolean" ? [true, false] : undefined);
  const example = schema.default ?? schema.examples?.[0];
  const placeholder = example === undefined ? "" : typeof example === "string" ? example : JSON.stringify(example);
  if (choices !== undefined) {
    return (
      <select {...attributes} required={required} value={value === undefined ? "" : String(choices.findIndex((one) => JSON.stringify(one) === JSON.stringify(value)))} onChange={(event) => set(event.currentTarget.value === "" ? undefined : choices[Number(event.currentTarget.value)])}>
        <option value="">{t("form.unset")}{placeholder && ` (${placeholder})`}</option>
        {choices.map((one, index) => <option key={index} value={String(index)}>{typeof one === "string" ? one : JSON.stringify(one)}</option>)}
      </select>
    );
  }
  if (type === "string") {
    const text = typeof value === "string" ? value : "";
    const change = (event: { currentTarget: { value: string } }) => set(event.currentTarget.value === "" && !required ? undefined : event.currentTarget.value);
    return (schema.maxLength ?? 0) > 200 || text.includes("\n")
      ? <textarea {...attributes} value={text} placeholder={placeholder} onInput={change} />
      : <input {...attributes} type="text" value={text} placeholder={placeholder} spellcheck={false} autocomplete="off" onInput={change} />;
  }
  if (type === "integer" || type === "number") {
    return <input {...attributes} type="text" inputMode="decimal" value={value === undefined ? "" : String(value)} placeholder={placeholder} autocomplete="off" onInput={(event) => set(numeric(event.currentTarget.value))} />;
  }
  return <JsonValue value={value} set={set} attributes={attributes} placeholder={placeholder} />;
}

/** What is no number stays a text, and the gateway says what is wrong with it. */
function numeric(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) && !/[.eE]$/.test(trimmed) ? value : trimmed;
}

function JsonValue({ value, set, attributes, placeholder }: { value: unknown; set: (value: unknown) => void; attributes: Attributes; placeholder: string }) {
  const [text, write] = useState(value === undefined ? "" : JSON.stringify(value, null, 2));
  const change = (next: string) => {
    write(next);
    if (next.trim() === "") return set(undefined);
    try {
      set(JSON.parse(next));
    } catch {
      set(next); // A text, until it is more.
    }
  };
  return <textarea {...attributes} value={text} placeholder={placeholder || t("form.json")} spellcheck={false} onInput={(event) => change(event.currentTarget.value)} />;
}

function ListMember({ name, schema, required, value, set, wrong, at }: Properties & { name: string; required: boolean; at: string }) {
  const entries = Array.isArray(value) ? (value as unknown[]) : [];
  const items = schema.items ?? {};
  const type = typeOf(items);
  const replace = (index: number, next: unknown) => set(entries.map((entry, at) => (at === index ? (next ?? "") : entry)));
  const remove = (index: number) => {
    const left = entries.filter((_, at) => at !== index);
    set(left.length === 0 && !required ? undefined : left);
  };
  return (
    <fieldset class="fields">
      <legend>{name} {required && <span class="small muted">{t("form.required")}</span>}</legend>
      {schema.description && <p class="small muted">{schema.description}</p>}
      {wrong.has(at) && <p class="small bad">{wrong.get(at)}</p>}
      {entries.map((entry, index) => (
        <div class="entry" key={index}>
          <Value schema={items} type={type} required value={entry} set={(next) => replace(index, next)} attributes={{ id: `${at}/${index}`, "aria-describedby": "", "aria-invalid": wrong.has(`${at}/${index}`), ...{ "aria-label": `${name} ${index + 1}` } }} />
          <button type="button" class="quiet" onClick={() => remove(index)} aria-label={`${t("form.remove")}: ${name} ${index + 1}`}><Icon name="minus" /></button>
        </div>
      ))}
      <div><button type="button" class="quiet" onClick={() => set([...entries, items.enum?.[0] ?? ""])}><Icon name="plus" /> {t("form.add")}<span class="visually-hidden">: {name}</span></button></div>
    </fieldset>
  );
}
