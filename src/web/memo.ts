/** Parts that are drawn again only when what they show has changed. */
import { Component, type ComponentType, createElement, type VNode } from 'preact';

/** @param isSame whether both give the same; what else the part reads from signals draws it again all the same */
export function memo<Props extends object>(
  part: (props: Props) => VNode | null,
  isSame: (old: Props, now: Props) => boolean,
): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return !isSame(this.props, next);
    }
    override render() {
      return createElement(part as ComponentType<Props>, this.props);
    }
  };
}
