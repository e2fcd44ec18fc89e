"""Plots about being afraid and doing it all the same."""

from gesso.worlds.beats import Plot, beat, maybe

STRANGE_NOISE = Plot(
    name="strange_noise",
    theme="a strange noise in the dark",
    things="light",
    places="dark",
    weather="night",
    beats=(
        beat(
            "{He} was not afraid of anything but the dark.",
            "There was only one thing {he} did not like, and that was the dark.",
        ),
        beat(
            "{One} {weather} night, {he} heard a strange noise {at_place}.",
            "{One} {weather} night, a noise came from {place} and woke {him} up.",
        ),
        maybe("{Sky}"),
        beat(
            "Tap, tap, tap! Then it was quiet again.",
            "Hoo, hoo! What could it be?",
        ),
        beat(
            '"It must be a monster," thought {Hero}, and {his} heart beat fast.',
            "{Hero} pulled the covers over {his} head and shook.",
        ),
        beat(
            "Then {he} remembered {his} {obj}, and {he} turned it on.",
            "But {he} had {an_obj} next to {his} bed, and {he} turned it on.",
        ),
        beat(
            "The light of the {noun} was small, but it was warm.",
            "The {noun} made a soft round light, and {he} felt a little better.",
        ),
        maybe(
            '"I want to know what it is," said {Hero}, and {he} got up.',
            "{Hero} took a deep breath and got out of bed.",
        ),
        beat(
            "{He} held up the {obj} and went {to_place}, one step at a time.",
            "Step by step, {he} walked {to_place} with the {noun} in {his} {hand}.",
        ),
        maybe("{His} knees were shaking.", "The shadows were long and funny."),
        beat(
            "There {he} saw two big round eyes. They were looking right at {him}!",
            "Something moved! {Hero} held the {noun} higher.",
        ),
        beat(
            "It was not a monster at all. It was a baby owl!",
            "It was only a baby owl who had lost its way.",
        ),
        beat(
            '"I am afraid of the dark," said the little owl.',
            '"Please do not turn off your {noun}," said the owl. "The dark scares me."',
        ),
        beat(
            '{Hero} had to laugh. "Me too! But we can be brave together," {he} said.',
            '"I know how you feel," said {Hero}. "Let us share the light."',
        ),
        beat(
            "They sat by the light of the {obj} until the owl was not scared anymore.",
            "So the two of them sat next to the {noun} and counted the stars.",
        ),
        beat(
            "From that night on, {Hero} was not afraid of the dark.",
            "Now {he} knew that the dark is full of friends.",
        ),
    ),
)

STORM = Plot(
    name="storm",
    theme="a big storm",
    things="cuddly",
    places="outdoors",
    weather="rain",
    beats=(
        beat(
            "{One} {weather} day, {Hero} could not go {to_place}.",
            "{He} wanted to go {to_place}, but it was a {weather} day.",
        ),
        maybe("{Sky}"),
        beat(
            "So {he} stayed at home and played with {his} {obj}.",
            "{He} sat at the window with {his} {obj} and watched the clouds.",
        ),
        beat(
            "Suddenly there was a bright flash. Boom! went the thunder.",
            "Then the thunder came. Boom, boom, boom!",
        ),
        beat(
            "{Hero} jumped and hid under the table with the {noun}.",
            "{Hero} held the {noun} tight and ran under the table.",
        ),
        maybe(
            '"Do not be afraid," {he} told the {noun}, but {his} voice was shaking.',
            '"I do not like this," {he} whispered to the {noun}.',
        ),
        beat(
            "Then {he} heard someone at the door. It was {his} friend {Friend}.",
            "There was a knock. {His} friend {Friend} came in, all wet.",
        ),
        beat(
            '"I was on my way home, and the storm is so loud," said {Friend}.',
            '"May I stay here until the storm is over?" asked {Friend}. "I am so scared."',
        ),
        beat(
            "Now {Hero} knew what to do. {He} had to be brave for two.",
            "{Hero} forgot to be afraid, because {Friend} needed {him}.",
        ),
        beat(
            '"Come under the table with me," said {Hero}. "You can hold my {obj}."',
            '{He} gave {Friend} the {obj} to hold. "It helps," {he} said.',
        ),
        maybe(
            '"Let us count after each flash," said {Elder}. "Then we know how far away it is."',
            "{Elder} brought them cups of warm milk and a candle.",
        ),
        beat(
            "They counted after each flash. Each time, the thunder was farther away.",
            "They made up a song about the thunder and sang it as loudly as they could.",
        ),
        beat(
            "At last, the rain stopped, and the sun came out.",
            "Soon the storm was over, and a bird began to sing.",
        ),
        beat(
            '"You were so brave," said {Friend}, and {fhe} gave back the {noun}.',
            '"Thank you for the {noun}," said {Friend}. "I was not so scared with you."',
        ),
        beat(
            "Then they went {to_place} and jumped in all the puddles.",
            "They ran {to_place}, where everything was fresh and green.",
        ),
    ),
)

LEARNING_TO_SWIM = Plot(
    name="learning_to_swim",
    theme="learning to swim",
    things="floats",
    places="swim",
    beats=(
        beat(
            "All {his} friends could swim, but {he} could not.",
            "{He} wished that {he} could swim, but {he} was afraid of the water.",
        ),
        beat(
            "{One} {weather} day, {he} sat {at_place} and played with {his} {obj}.",
            "{One} {weather} day, {Hero} took {his} {obj} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} put the {noun} on the water and gave it a little push.",
            "{Hero} let the {noun} float close to the sand.",
        ),
        beat(
            "But the wind came, and the {obj} floated away.",
            "A small wave took the {noun} and carried it out.",
        ),
        beat(
            '"Come back!" called {Hero}, but {he} did not dare to go in.',
            '"My {noun}! I cannot swim, so I cannot get it," said {Hero}.',
        ),
        beat(
            '{Friend} swam out and brought it back. "Here is your {obj}," {fhe} said.',
            "{Friend} was a good swimmer and got the {obj} for {him}.",
        ),
        beat(
            '"How do you do that? I am afraid of the water," said {Hero}.',
            '"Thank you! I wish I could swim like you," said {Hero}.',
        ),
        beat(
            '"I was afraid too. I can show you how," said {Friend}.',
            '"It is not so hard. Give me your {hand}," said {Friend}.',
        ),
        beat(
            "First, {Hero} put one foot in the water. It was cold!",
            "First, they only stood in the water and splashed.",
        ),
        beat(
            "Then {Friend} held {him}, and {he} kicked with both legs.",
            "Next, {he} learned to float like the {noun}.",
        ),
        maybe("{He} got water in {his} nose, but {he} tried again.", '"Do not let go!" said {Hero}.'),
        beat(
            "They went {to_place} every day, and each day it was a little better.",
            "Again and again they tried, until the sun was low.",
        ),
        beat(
            "And then it happened. {Friend} let go, and {Hero} was swimming!",
            '"Look!" said {Friend}. "I am not holding you anymore. You can swim!"',
        ),
        beat(
            "{Hero} swam a whole circle around the {obj}.",
            "{Hero} pushed the {noun} in front of {him} and laughed out loud.",
        ),
    ),
)

LEARNING_TO_RIDE = Plot(
    name="learning_to_ride",
    theme="learning to ride",
    things="ride",
    places="flat",
    beats=(
        beat(
            "{Elder} had a surprise for {him}. It was {an_obj}.",
            "{Elder} gave {him} {an_obj} that was shiny and new.",
        ),
        beat(
            "{One} {weather} day, {Hero} pushed the {noun} {to_place}.",
            "{One} {weather} day, {Elder} and {Hero} took the {obj} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} got on and tried to ride, but {he} fell over at once.",
            "{He} took a deep breath and started. Bump! {He} was on the ground.",
        ),
        beat(
            '"Ouch! I will never learn it," said {Hero}.',
            '"It is too hard for me," {he} said, and {he} kicked a stone.',
        ),
        beat(
            '"Everyone falls at first," said {Elder}. "Just try once more."',
            '"I fell ten times when I was little," said {Elder}.',
        ),
        beat(
            "{Hero} got up and tried again. This time, {he} went a little bit.",
            "So {he} picked up the {noun} and tried it one more time.",
        ),
        beat(
            "Then {he} fell again. There was dust on {his} nose.",
            "The {obj} rolled to the left and to the right, and down {he} went.",
        ),
        beat(
            "{Friend} had seen it all and came closer.",
            "{His} friend {Friend} came running.",
        ),
        beat(
            '"Do not look at your feet. Look at me!" said {Friend}.',
            '"I know a trick," said {Friend}. "You must look far ahead."',
        ),
        beat(
            "{Friend} ran ahead, and {Hero} looked only at {fhim}.",
            "{Hero} looked at a tall tree far away and started to roll.",
        ),
        beat(
            "The wheels turned and turned, and the {noun} did not fall.",
            "Faster and faster went the {obj}, and {he} stayed on!",
        ),
        beat(
            '"I can do it! I can ride!" shouted {Hero}.',
            '"Look at me, {Elder}!" {he} called.',
        ),
        beat(
            "{Elder} clapped, and {Friend} jumped for joy.",
            '"I knew you could do it," said {Elder}.',
        ),
        beat(
            "{Hero} rode the {obj} all around {place}, with {Friend} right behind {him}.",
            "After that, {Hero} let {Friend} ride the {noun} too.",
        ),
    ),
)

OLD_BRIDGE = Plot(
    name="old_bridge",
    theme="crossing a scary bridge",
    things="carry",
    places="stream",
    beats=(
        beat(
            "{One} {weather} day, {Elder} gave {him} {an_obj} full of fresh bread.",
            "{One} {weather} day, {Hero} packed {an_obj} with bread and jam.",
        ),
        beat(
            '"Please bring it to {Friend}, who lives on the other side," said {Elder}.',
            "It was for {his} friend {Friend}, who lived on the other side of the water.",
        ),
        beat(
            "{Hero} took the {noun} and walked {to_place}.",
            "With the {obj} in {his} {hand}, {he} went {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "There was an old bridge made of wood. It moved in the wind.",
            "To get across, {he} had to walk over an old bridge.",
        ),
        beat(
            "{Hero} put one foot on it. Creak! {He} jumped back.",
            "The bridge made a creaking sound, and {his} legs began to shake.",
        ),
        beat(
            '"I cannot do it," said {Hero}, and {he} sat down next to the {noun}.',
            '"It is so high, and I am so small," {he} said.',
        ),
        beat(
            "On the other side, {Friend} came out and waved.",
            "Then {he} saw {Friend} on the other side.",
        ),
        beat(
            '"Do not look down, {Hero}! Look at me!" called {Friend}.',
            '"Just take one step, and then one more!" called {Friend}.',
        ),
        beat(
            "{Hero} held the {obj} tight and took one step.",
            "{He} stood up, took the {noun} and went one step at a time.",
        ),
        beat(
            "One, two, three, four, {he} counted. The water was loud under {him}.",
            "{He} did not look down. {He} only looked at {Friend}.",
        ),
        maybe("In the middle, {he} stopped and took a deep breath.", "The bridge shook, but it was strong."),
        beat(
            "And then {he} was on the other side!",
            "With one last big step, {he} was across.",
        ),
        beat(
            '"You did it! You are so brave," said {Friend}, and {fhe} gave {him} a hug.',
            '{Friend} clapped and danced. "I knew you could do it!" {fhe} said.',
        ),
        beat(
            "They opened the {noun} and ate the bread together {at_place}.",
            "The {obj} was soon empty, and on the way back {Hero} ran over the bridge.",
        ),
    ),
)

RACE = Plot(
    name="race",
    theme="a race",
    things="wear",
    places="flat",
    beats=(
        beat(
            "{He} had {an_obj} that brought {him} good luck.",
            "{He} never ran without {his} {obj}.",
        ),
        beat(
            "{One} {weather} day, there was a big race {at_place}.",
            "{One} {weather} day, everyone came {to_place} for the big race.",
        ),
        maybe("{Sky}"),
        beat(
            '"I want to win," said {Hero}, and {he} put on the {noun}.',
            "{Hero} put on {his} {obj} and stood next to {his} friend {Friend}.",
        ),
        beat(
            '"May the best one win," said {Friend}.',
            '"Good luck, {Hero}," said {Friend} with a smile.',
        ),
        beat(
            '"Ready, set, go!" called {Elder}, and they all ran.',
            "{Elder} counted to three, and off they went.",
        ),
        beat(
            "{Hero} was fast, but {Friend} was just as fast.",
            "{Hero} and {Friend} were soon far ahead of the others.",
        ),
        beat(
            "They ran past the big tree and around the pond.",
            "Side by side, they ran up the path and down again.",
        ),
        beat(
            "Then {Friend} fell over a stone and cried out.",
            "Suddenly {Friend} fell down and held {fhis} foot.",
        ),
        beat(
            "{Hero} could see the end. {He} could win the race now!",
            "Now {Hero} was in front, and there was nobody else.",
        ),
        beat(
            "But {he} stopped, turned around and went back to {Friend}.",
            "{He} looked back and saw {Friend} on the ground, and so {he} stopped.",
        ),
        beat(
            '"Go on and win!" said {Friend}. "Not without you," said {Hero}.',
            '"Come, I will help you," said {Hero}, and {he} gave {Friend} {his} {noun} to hold.',
        ),
        beat(
            "Arm in arm, they walked the last steps, and they came in last.",
            "They came in last, but they came in together.",
        ),
        beat(
            "Everyone clapped for them, louder than for the winner.",
            '"You two are the real winners," said {Elder}.',
        ),
        beat(
            '{Friend} touched the {obj}. "It did bring good luck," {fhe} said. "It brought me you."',
            '"Next year we will win," said {Friend}, and {Hero} threw the {obj} into the air.',
        ),
    ),
)

PLOTS_BRAVE = (STRANGE_NOISE, STORM, LEARNING_TO_SWIM, LEARNING_TO_RIDE, OLD_BRIDGE, RACE)
