import { type DocumentNode, type FieldNode, Kind, type SelectionSetNode, visit } from 'graphql';

interface WithoutRepeats {
  /** The document itself when nothing was removed from it. */
  readonly document: DocumentNode;
  /** How often a selection names a field that it has named before. */
  readonly repeats: number;
}

/**
 * A document without the plain fields that a selection names again: they add nothing to the result, and validation
 * compares each with each.
 */
export function withoutRepeatedFields(document: DocumentNode): WithoutRepeats {
  let repeats = 0;
  const rest = visit(document, {
    SelectionSet: (node): SelectionSetNode | undefined => {
      const seen = new Set<string>();
      const plain = new Set<string>();
      const selections = node.selections.filter((selection) => {
        if (selection.kind !== Kind.FIELD) return true;
        const name = selection.alias?.value ?? selection.name.value;
        if (seen.has(name)) repeats += 1;
        seen.add(name);
        if (!isPlain(selection)) return true;
        if (plain.has(name)) return false;
        plain.add(name);
        return true;
      });
      return selections.length === node.selections.length ? undefined : { ...node, selections };
    },
  });
  return { document: rest, repeats };
}

function isPlain({ alias, arguments: given, directives, selectionSet }: FieldNode): boolean {
  return (
    alias === undefined && selectionSet === undefined && (given?.length ?? 0) === 0 && (directives?.length ?? 0) === 0
  );
}
