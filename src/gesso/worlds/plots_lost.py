"""Plots about losing, finding and giving back."""

from gesso.worlds.beats import Plot, beat, maybe

LOST_TOY = Plot(
    name="lost_toy",
    theme="a lost toy",
    things="toy",
    places="outdoors",
    beats=(
        beat(
            "{He} had {an_obj} and took it everywhere.",
            "{He} had {an_obj} that {he} loved very much.",
            "{He} loved {his} {obj} and never went out without it.",
        ),
        beat(
            "{One} {weather} day, {Hero} took the {noun} {to_place}.",
            "{One} {weather} day, {Hero} and the {obj} went {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} ran and jumped until {he} was tired, and then {he} sat down to rest.",
            "{Hero} played for a long time, and then {he} took a little nap.",
        ),
        beat(
            "When {he} looked around, the {obj} was gone!",
            "But when {he} got up, {he} could not see the {obj} anywhere.",
        ),
        beat(
            '"Oh no! Where is my {noun}?" cried {Hero}.',
            '"My {noun} is lost!" said {Hero}, and a tear ran down {his} face.',
        ),
        beat(
            "{His} friend {Friend} heard {him} and came to help.",
            "Just then, {his} friend {Friend} came along.",
        ),
        beat(
            '"Do not cry, {Hero}. We will look for it together," said {Friend}.',
            '"I will help you find it," said {Friend}. "Four eyes are better than two."',
        ),
        beat(
            "They looked behind every rock and under every bush.",
            "They looked to the left, and they looked to the right.",
        ),
        maybe("They did not find it there.", "It was not there, but they did not give up."),
        beat(
            "Then {Friend} saw something {adj} in the tall grass.",
            "At last, something {adj} peeked out from under a leaf.",
        ),
        beat(
            '"Here it is!" called {Friend}, and {fhe} held up the {obj}.',
            '"Look, {Hero}! I found your {noun}!" shouted {Friend}.',
        ),
        beat(
            "{Hero} hugged the {noun}, and then {he} hugged {Friend} too.",
            '"Thank you, {Friend}! You are a true friend," said {Hero}.',
        ),
        beat(
            "The two friends played with the {obj} {at_place} until the sun went down.",
            "After that, {Hero} always kept the {noun} close, and {he} let {Friend} play with it too.",
        ),
    ),
)

LOST_IN_THE_WILD = Plot(
    name="lost_in_the_wild",
    theme="getting lost and finding the way home",
    things="small",
    places="wild",
    beats=(
        beat(
            "{One} {weather} day, {he} went for a walk {to_place} with {Elder}.",
            "{One} {weather} day, {Elder} took {him} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} saw {an_obj} on the ground and picked it up.",
            "On the path, {Hero} found {an_obj} and put it in {his} pocket.",
        ),
        beat(
            '"I will look for one more," said {Hero}, and {he} walked on and on.',
            "Then {he} followed a butterfly, and {he} did not see how far {he} went.",
        ),
        beat(
            "When {he} turned around, {Elder} was not there.",
            "Soon {Hero} stopped. {He} could not see {Elder} anymore.",
        ),
        beat(
            '"I am lost," said {Hero} in a small voice.',
            '"Where am I?" asked {Hero}, but nobody answered.',
        ),
        beat(
            "{He} wanted to cry, but {he} held the {obj} tight in {his} {hand}.",
            "{He} was scared, so {he} held on to the {obj} and took a deep breath.",
        ),
        beat(
            "Then {he} remembered what {Elder} always said. If you are lost, stay where you are and call.",
            '"If you are lost, stay in one place and call," {Elder} always said.',
        ),
        beat(
            "So {Hero} sat down on a big rock and called as loudly as {he} could.",
            "So {he} stood next to a tall tree and called and called.",
        ),
        maybe("A little bird sat down next to {him} and sang.", "The wind was quiet, as if it was listening too."),
        beat(
            '"{Hero}! I hear you!" called a voice, and {Elder} came running.',
            "After a while, {he} heard steps. It was {Elder}!",
        ),
        beat(
            '"You did just the right thing," said {Elder}, and gave {him} a long hug.',
            '"I am so glad that you stayed in one place," said {Elder}.',
        ),
        beat(
            '"The {noun} helped me to be brave," said {Hero}.',
            '{Hero} showed {Elder} the {obj}. "It kept me company," {he} said.',
        ),
        beat(
            "They walked home side by side.",
            "They went home together, and {Hero} did not let go of {Elder} once.",
        ),
        beat(
            "{Hero} put the {obj} next to {his} bed to remember the day.",
            "At home, the {obj} got a special place on the shelf.",
        ),
    ),
)

FOUND_AND_RETURNED = Plot(
    name="found_and_returned",
    theme="finding something and giving it back",
    things="lostthing",
    starts_friendship=True,
    places="outdoors",
    beats=(
        beat(
            "{One} {weather} day, {Hero} found {an_obj} {at_place}.",
            "{One} {weather} day, {he} saw {an_obj} on the ground {at_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "The {noun} was so pretty that {Hero} could not stop looking at it.",
            "{Hero} picked up the {noun}, and it shone in the light.",
        ),
        beat(
            '"What a lovely {noun}! I wish I could keep it," said {Hero}.',
            '"Now I have {an_obj}!" said {Hero}, and {he} put it in {his} pocket.',
        ),
        beat(
            "But then {he} saw someone on a bench. It was {Friend}, who was crying.",
            "On the way home, {he} met {Friend}, who looked very sad.",
        ),
        beat(
            '"What is wrong, {Friend}?" asked {Hero}.',
            '"Why are you so sad?" asked {Hero}.',
        ),
        beat(
            '"I lost the {noun} that {Elder} gave me," said {Friend}.',
            '"I had {an_obj}, and now it is gone," said {Friend}. "I have looked everywhere."',
        ),
        beat(
            "{Hero} felt the {obj} in {his} pocket. {He} really wanted to keep it.",
            "{Hero} was quiet for a moment. The {obj} felt heavy in {his} pocket.",
        ),
        beat(
            "But {he} knew that it was not {his} {noun}.",
            "But {he} knew what was right.",
        ),
        beat(
            '"Is this your {noun}?" asked {Hero}, and {he} held it out.',
            'Slowly, {he} opened {his} {hand}. "I think this is yours," {he} said.',
        ),
        beat(
            '{Friend} jumped up with joy. "Yes! You found it! Thank you, {Hero}!"',
            '"My {obj}! You found it!" shouted {Friend}, and {fhe} danced around.',
        ),
        beat(
            "{Hero} felt warm inside. Giving it back felt even better than finding it.",
            "{Hero} had no {noun} now, but {he} had made {Friend} happy.",
        ),
        beat(
            "{Friend} shared some cookies with {him}, and they became good friends.",
            "From then on, {Hero} and {Friend} met {at_place} every day to play.",
        ),
    ),
)

STUCK_IN_A_TREE = Plot(
    name="stuck_in_a_tree",
    theme="something stuck in a tree",
    things="flies",
    places="trees",
    beats=(
        beat(
            "{One} {weather} day, {Hero} took {his} {obj} {to_place}.",
            "{Elder} gave {him} {an_obj}, and {one} {weather} day {he} took it {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "The {noun} went up and up, and {Hero} laughed with joy.",
            "{Hero} ran as fast as {he} could, and the {noun} danced in the air.",
        ),
        beat(
            "Then a big wind came and pulled the {noun} out of {his} {hand}.",
            "All at once, there was a strong wind, and {he} let go of the string.",
        ),
        beat(
            "The {obj} flew into a tall tree and got stuck.",
            "Up it went, right into the top of an old tree. There the {obj} stayed.",
        ),
        beat(
            '"Come down, please!" called {Hero}, but the {noun} did not move.',
            "{Hero} jumped and jumped, but the tree was too tall for {him}.",
        ),
        beat(
            "{Friend} was near and saw what had happened.",
            "{His} friend {Friend} came to see what was wrong.",
        ),
        beat(
            '"We can throw a stick at it," said {Friend}, but the stick got stuck too.',
            '"Let us shake the tree," said {Friend}. They shook it, but only leaves came down.',
        ),
        maybe("They both had to laugh.", "{Hero} sat down in the grass and sighed."),
        beat(
            '"I have an idea," said {Hero}. "Let us ask {Elder} for help."',
            '"We need someone tall," said {Friend}, and so they ran to get {Elder}.',
        ),
        beat(
            "{Elder} came with a long ladder and climbed up, step by step.",
            "{Elder} brought a ladder and put it next to the tree.",
        ),
        beat(
            '"Got it!" called {Elder}, and soon {Hero} had {his} {obj} back.',
            "Soon the {obj} was free, and {Elder} gave it back to {Hero}.",
        ),
        beat(
            '"Thank you so much!" said {Hero}. "Next time I will hold on with all my might."',
            "{Hero} thanked {Elder} and held the string very tight.",
        ),
        beat(
            "Then {Hero} and {Friend} took turns, and the {noun} flew high over {place}.",
            "{Hero} let {Friend} have a turn too, and they played {at_place} all day.",
        ),
    ),
)

TREASURE_MAP = Plot(
    name="treasure_map",
    theme="a treasure map",
    things="shiny",
    places="wild",
    beats=(
        beat(
            "{One} {weather} day, {Hero} found an old map under {his} bed.",
            "{One} {weather} day, {Elder} gave {Hero} an old map with a big cross on it.",
        ),
        maybe("{Sky}"),
        beat(
            '"It is a treasure map!" said {Hero}. {He} ran to show it to {Friend}.',
            '{Hero} ran to {his} friend {Friend}. "Look, a treasure map!" {he} said.',
        ),
        beat(
            '"Let us follow it," said {Friend}, and off they went {to_place}.',
            "The map showed the way {to_place}, so the two friends set off.",
        ),
        beat(
            "First, they had to take ten big steps. They counted out loud.",
            "The map said to walk ten steps. One, two, three, they counted.",
        ),
        beat(
            "Then they had to go around a big rock and over a small bridge.",
            "Next, they had to crawl under a fallen tree.",
        ),
        maybe('"Are we there yet?" asked {Friend}.', "{Friend} got a little tired, but {Hero} took {fhis} {hand}."),
        beat(
            "At last, they came to a tree with a cross on it.",
            "There, between two trees, was a cross made of stones.",
        ),
        beat(
            '"This is the place! Let us dig," said {Hero}.',
            "So they began to dig in the soft ground.",
        ),
        beat(
            "They dug and dug until they hit something hard. It was a little box!",
            "After a while, {Friend} hit something hard. It was a small wooden box!",
        ),
        beat(
            "{Hero} opened it slowly. Inside was {an_obj} and a note.",
            "In the box there was {an_obj}, and under it was a note.",
        ),
        beat(
            '"The best treasure is a good friend," the note said.',
            'The note said, "You found it together, so share it together."',
        ),
        beat(
            '{Hero} looked at {Friend} and smiled. "Then I have two treasures," {he} said.',
            '"That is true," said {Hero}, and {he} gave {Friend} a hug.',
        ),
        beat(
            "They took turns keeping the {obj}, one day each.",
            "They put the {obj} back in the box and made it their secret treasure.",
        ),
    ),
)

LOST_KITTEN = Plot(
    name="lost_kitten",
    theme="a lost kitten",
    things="cuddly",
    places="outdoors",
    weather="rain",
    beats=(
        beat(
            "{One} {weather} day, {Hero} was on {his} way home when {he} heard a soft sound {at_place}.",
            "{One} {weather} day, {Hero} heard a tiny cry {at_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "Under a bush sat a kitten. It was wet and cold.",
            "{He} looked under a bench and saw a tiny kitten that was all alone.",
        ),
        beat(
            '"You poor little thing," said {Hero}. "Did you lose your mother?"',
            '"Hello, little one. Are you lost?" asked {Hero}.',
        ),
        maybe("The kitten said meow and shook its paws.", "The kitten looked at {him} with big eyes."),
        beat(
            "{Hero} took {his} {obj} out of {his} bag and put it next to the kitten.",
            "{Hero} had {his} {obj} with {him}, and {he} gave it to the kitten.",
        ),
        beat(
            "The kitten pressed its nose into the soft {noun} and stopped crying.",
            "At once, the kitten curled up against the {noun}.",
        ),
        beat(
            "Then {Hero} carried it home to {Elder}.",
            "{He} carried the kitten and the {noun} home with great care.",
        ),
        beat(
            '"Can we help it?" asked {Hero}. "Of course we can," said {Elder}.',
            '"Look what I found, {Elder}! It needs our help," said {Hero}.',
        ),
        beat(
            "They dried the kitten and gave it a bowl of warm milk.",
            "{Elder} warmed some milk, and the kitten drank it all.",
        ),
        beat(
            "Then {Elder} told all the neighbors about the kitten.",
            "Then {Hero} painted a sign and put it up {at_place}.",
        ),
        beat(
            "Soon there was a knock at the door. It was {Friend}!",
            "In the evening, {Friend} came to the door with red eyes.",
        ),
        beat(
            '"My kitten! You saved my kitten!" cried {Friend}.',
            '"You found my kitten! Oh, thank you, {Hero}!" said {Friend}.',
        ),
        beat(
            "The kitten did not want to leave the {obj}, so {Hero} let it keep the {noun} for one night.",
            "The kitten purred, and {Friend} said that {Hero} could visit it every day.",
        ),
    ),
)

PLOTS_LOST = (LOST_TOY, LOST_IN_THE_WILD, FOUND_AND_RETURNED, STUCK_IN_A_TREE, TREASURE_MAP, LOST_KITTEN)
