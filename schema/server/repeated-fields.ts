import { type DocumentNode, type FieldNode, Kind, type SelectionSetNode, visit } from 'graphql';

/**
 * The document without plain fields that a selection names again: they answer nothing more, and validation compares each
 * with each. Returns the document itself when there are none.
 */
export function withoutRepeatedFields(document: DocumentNode): DocumentNode {
  return visit(document, {
    SelectionSet: (node): SelectionSetNode | undefined => {
      const seen = new Set<string>();
      const selections = node.selections.filter((selection) => {
        if (selection.kind !== Kind.FIELD || !isPlain(selection)) return true;
        if (seen.has(selection.name.value)) return false;
        seen.add(selection.name.value);
        return true;
      });
      return selections.length === node.selections.length ? undefined : { ...node, selections };
    },
  });
}

function isPlain({ alias, arguments: given, directives, selectionSet }: FieldNode): boolean {
  return alias === undefined && selectionSet === undefined && (given?.length ?? 0) === 0 && (directives?.length ?? 0) === 0;
}
